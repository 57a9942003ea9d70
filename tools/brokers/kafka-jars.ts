import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.js';
import { run, which } from './command.js';
import { say } from './progress.js';
import { BrokerUnavailableError } from './unavailable.js';

/** Kafka's own dependencies bring no logger; without one its faults stay untold. */
const pom = (version: string): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>brokers</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/**
 * The folder with Kafka's jars of exactly this version, fetched once from Maven Central.
 * @throws BrokerUnavailableError that says what to install
 */
export async function kafkaJars(version: string): Promise<string> {
  await javaPath();
  return cached(`kafka-${version}`, (folder) => fetchJars(version, folder));
}

/** @throws BrokerUnavailableError when PATH has no java */
export async function javaPath(): Promise<string> {
  return (await which('java')) ?? unavailable('no java on PATH');
}

async function fetchJars(version: string, folder: string): Promise<void> {
  const maven = (await which('mvn')) ?? unavailable('no mvn on PATH');
  say(`fetching Kafka ${version} (46 MB) with Maven …`);
  const project = join(folder, 'pom.xml');
  await writeFile(project, pom(version));
  try {
    await run(maven, ['-q', '-B', '-f', project, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]);
  } catch (error) {
    unavailable(error instanceof Error ? error.message : String(error));
  }
  say(`Kafka ${version} is here.`);
}

function unavailable(found: string): never {
  throw new BrokerUnavailableError(
    [
      `No Kafka can be had on this machine: ${found}.`,
      'One of these is needed: Java 17 or later and Maven (Debian: apt-get install default-jre-headless maven),',
      'Docker with compose, or EVENTBUS_TEST_KAFKA=host:port naming a running one.',
    ].join('\n'),
  );
}
