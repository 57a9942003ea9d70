import { read } from './markdown.js';

/** An option as its docstring has it. */
export interface DocumentedOption {
  /** As an application writes it: `pools.keyed.workers`. */
  readonly path: string;
  readonly default: string;
  readonly what: string;
}

/** A table of options in the documentation, and the interfaces it is of: place → file and interface. */
export interface OptionTable {
  readonly page: string;
  readonly title: string;
  readonly parts: readonly { readonly at: string; readonly file: string; readonly type: string }[];
  /** Options that are shown by what they consist of. */
  readonly groups?: readonly string[];
}

const OPTIONS = 'lib/event-bus.options.ts';

export const OPTION_TABLES: readonly OptionTable[] = [
  {
    page: 'README.md',
    title: 'EventBusModule.forRoot',
    groups: ['pools', 'pools.global', 'pools.keyed', 'pools.ack', 'retry', 'handlers', 'groups'],
    parts: [
      { at: '', file: OPTIONS, type: 'EventBusOptions' },
      { at: 'groups.<name>.', file: OPTIONS, type: 'GroupOptions' },
      { at: 'pools.global.', file: OPTIONS, type: 'PoolOptions' },
      { at: 'pools.keyed.', file: OPTIONS, type: 'PoolOptions' },
      { at: 'pools.keyed.', file: OPTIONS, type: 'KeyedPoolOptions' },
      { at: 'pools.ack.', file: OPTIONS, type: 'AckPoolOptions' },
      { at: 'pools.', file: OPTIONS, type: 'PoolsOptions' },
      { at: 'retry.', file: 'lib/handlers/retry-policy.ts', type: 'RetryOptions' },
      { at: 'handlers.', file: OPTIONS, type: 'HandlerDefaults' },
      { at: '', file: 'lib/event-bus.module-definition.ts', type: 'EventBusModuleExtras' },
    ],
  },
  {
    page: 'docs/options.md',
    title: '@EventHandler',
    parts: [{ at: '', file: 'lib/handlers/event-handler.decorator.ts', type: 'EventHandlerOptions' }],
  },
  {
    page: 'docs/options.md',
    title: 'publish and enqueue',
    parts: [
      { at: '', file: 'lib/envelope/event-options.ts', type: 'EventOptions' },
      { at: '', file: 'lib/publishing/publish-options.ts', type: 'PublishOptions' },
    ],
  },
  {
    page: 'docs/options.md',
    title: '@OnPublishResults',
    parts: [{ at: '', file: 'lib/handlers/on-publish-results.decorator.ts', type: 'OnPublishResultsOptions' }],
  },
  {
    page: 'docs/operations.md',
    title: 'EventBusHealthModule.register',
    groups: ['thresholds', 'readiness'],
    parts: [
      { at: '', file: 'lib/health/health.options.ts', type: 'EventBusHealthOptions' },
      { at: 'thresholds.', file: 'lib/health/health.options.ts', type: 'HealthThresholds' },
      { at: 'readiness.', file: 'lib/health/health.options.ts', type: 'ReadinessOptions' },
    ],
  },
];

/** What a table has to list, from the docstrings. */
export function optionsOf({ parts, groups = [] }: OptionTable): DocumentedOption[] {
  return parts
    .flatMap(({ at, file, type }) =>
      membersOf(file, type).map((option) => ({ ...option, path: `${at}${option.path}` })),
    )
    .filter(({ path }) => !groups.includes(path));
}

function membersOf(file: string, type: string): DocumentedOption[] {
  const body = new RegExp(`export interface ${type}\\b[^{]*\\{\\n(.*?)^\\}`, 'ms').exec(read(file))?.[1];
  if (body === undefined) throw new Error(`${file} has no interface ${type}.`);
  const members = body.matchAll(/(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?readonly (\w+)\??:/gs);
  return [...members].map(([, doc = '', path = '']) => {
    const text = doc.replaceAll(/\s*\n\s*\* ?/g, ' ').trim();
    const [what = '', stated = 'none'] = text.split(/\s*@default /, 2);
    return { path, default: plain(stated), what };
  });
}

/** As a table's cell reads without its formatting. */
export function plain(text: string): string {
  return text
    .replaceAll('`', '')
    .replaceAll(/'([\w ()-]*)'/g, '$1')
    .trim();
}
