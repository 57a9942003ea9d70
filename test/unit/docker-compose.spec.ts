import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMPOSE_FILE } from '../../tools/brokers/docker.js';
import { sharedProperties } from '../../tools/brokers/kafka-config.js';
import { KAFKA_VERSION, NATS_VERSION } from '../../tools/brokers/versions.js';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test: readonly string[]; readonly retries: number };
}

interface Compose {
  readonly services: Readonly<Record<'kafka' | 'nats', Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const compose: Compose = parse(readFileSync(COMPOSE_FILE, 'utf8'));
const { kafka, nats } = compose.services;

describe('docker-compose.yml', () => {
  it('pins the versions that the tests run on', () => {
    expect(kafka.image).toBe(`apache/kafka:${KAFKA_VERSION}`);
    expect(nats.image).toBe(`nats:${NATS_VERSION}-alpine`);
  });

  it('has the two services and volumes, and nothing else', () => {
    expect(Object.keys(compose.services)).toEqual(['kafka', 'nats']);
    expect([...kafka.volumes, ...nats.volumes].map((volume) => volume.split(':')[0])).toEqual(
      Object.keys(compose.volumes),
    );
  });

  it('puts each on its usual port of this machine alone, and on the one asked for', () => {
    expect(kafka.ports).toEqual(['127.0.0.1:${EVENTBUS_KAFKA_PORT:-9092}:9092']);
    expect(nats.ports).toEqual(['127.0.0.1:${EVENTBUS_NATS_PORT:-4222}:4222']);
  });

  it('tells clients of Kafka the address they reach it at', () => {
    const advertised = String(kafka.environment?.['KAFKA_ADVERTISED_LISTENERS']).split(',');

    expect(advertised).toContain('HOST://127.0.0.1:${EVENTBUS_KAFKA_PORT:-9092}');
  });

  it('asks each whether it is healthy at an address it listens on', () => {
    expect(kafka.healthcheck.test).toEqual([
      'CMD',
      '/opt/kafka/bin/kafka-broker-api-versions.sh',
      '--bootstrap-server',
      'kafka:19092',
    ]);
    expect(kafka.environment?.['KAFKA_LISTENERS']).toContain('INTERNAL://:19092');
    expect(nats.healthcheck.test.at(-1)).toBe('http://127.0.0.1:8222/healthz');
    expect(nats.command?.slice(-2)).toEqual(['--http_port', '8222']);
  });

  it('stores in the volumes', () => {
    expect(path(kafka)).toBe(kafka.environment?.['KAFKA_LOG_DIRS']);
    expect(nats.command).toContain('--jetstream');
    expect(nats.command?.[nats.command.indexOf('--store_dir') + 1]).toBe(path(nats));
  });

  it('runs Kafka in KRaft mode with the settings of a local one', () => {
    const expected = Object.entries(sharedProperties(1)).map(([name, value]) => [asVariable(name), String(value)]);

    expect(kafka.environment).toMatchObject({ KAFKA_PROCESS_ROLES: 'broker,controller' });
    expect(expected.map(([name = '']) => [name, String(kafka.environment?.[name])])).toEqual(expected);
  });
});

/** Where a service's volume is, in its container. */
function path(service: Service): string | undefined {
  return service.volumes[0]?.split(':')[1];
}

/** The image's own rule: dots become underscores. */
function asVariable(property: string): string {
  return `KAFKA_${property.replaceAll('.', '_').toUpperCase()}`;
}
