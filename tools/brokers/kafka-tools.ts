import { join } from 'node:path';
import { type CommandOutput, run } from './command.js';
import { javaPath, kafkaJars } from './kafka-jars.js';
import { KAFKA_VERSION } from './versions.js';

/**
 * Runs one of the programs in Kafka's jars, as the scripts in its bin/ folder do: `kafkaTools('kafka.tools.StorageTool',
 * ['random-uuid'])`, `kafkaTools('org.apache.kafka.tools.TopicCommand', […])`.
 * @throws Error with the program's output, shortened, when it fails; BrokerUnavailableError
 */
export async function kafkaTools(
  mainClass: string,
  args: readonly string[],
  version: string = KAFKA_VERSION,
): Promise<CommandOutput> {
  const jars = await kafkaJars(version);
  const flags = [
    '-Xmx128m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  ];
  return run(await javaPath(), [...flags, '-cp', join(jars, '*'), mainClass, ...args], { timeoutMs: 120_000 });
}
