import { describe, expect, it } from 'vitest';
import { defaultProperties, type KafkaNodeFacts, propertiesText } from '../../../../tools/brokers/kafka-config.js';

const node = (id: number): KafkaNodeFacts => ({
  id,
  port: 100 + id,
  controllerPort: 200 + id,
  folder: `/tmp/node-${id}`,
  dataDir: `/tmp/node-${id}/data`,
});

describe('the properties of a Kafka node', () => {
  it('let every node vote, and replicate as far as the nodes go', () => {
    const nodes = [node(1), node(2), node(3)];
    const properties = defaultProperties(node(2), nodes);

    expect(properties).toMatchObject({
      'node.id': 2,
      'controller.quorum.voters': '1@127.0.0.1:201,2@127.0.0.1:202,3@127.0.0.1:203',
      'offsets.topic.replication.factor': 3,
      'transaction.state.log.min.isr': 2,
    });
  });

  it('are replaced and taken away by later ones', () => {
    const text = propertiesText(
      { listeners: 'A', 'log.dirs': 'B', 'node.id': 1 },
      { listeners: 'C', 'log.dirs': undefined },
    );

    expect(text).toBe('listeners=C\nnode.id=1\n');
  });

  it('keep backslashes and lines of a value', () => {
    expect(propertiesText({ jaas: 'a\\b\nc' })).toBe('jaas=a\\\\b\\nc\n');
  });
});
