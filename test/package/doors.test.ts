// What each door of the package exports. Types are not seen here: docs/reference/api has them.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const doors: [door: string, source: string, names: string[]][] = [
  [
    '.',
    'index.js',
    [
      'BusyError',
      'DisposedError',
      'FakedirtyError',
      'FingerprintTable',
      'Hasher',
      'MemoryFile',
      'MemoryFileError',
      'NativeAddonError',
      'NativeError',
      'OptionError',
      'StaleCheckError',
      'Verdicts',
      'algorithmNames',
      'algorithms',
      'errorCodes',
      'fingerprintPages',
      'fingerprintPagesAsync',
      'targets',
      'verdictNames',
      'version',
    ],
  ],
  [
    './qmp',
    'qmp/index.js',
    [
      'QmpAddressError',
      'QmpBusyError',
      'QmpClient',
      'QmpClosedError',
      'QmpCommandError',
      'QmpError',
      'QmpEventOverflowError',
      'QmpGarbledError',
      'QmpGreetingError',
      'QmpNegotiationError',
      'QmpOversizedError',
      'QmpProtocolError',
      'QmpTimeoutError',
      'eventTimeMs',
      'fakeDirtyHashes',
      'formatAddress',
      'parseAddress',
    ],
  ],
  [
    './migration',
    'migration/index.js',
    [
      'JournalDirectory',
      'JournalError',
      'MigrationRefusedError',
      'MigrationStateError',
      'PolicyDecisionError',
      'RecordingError',
      'WatchStoppedError',
      'callbackNames',
      'choices',
      'defaultJournalPath',
      'entryLine',
      'journalFormat',
      'migrate',
      'parseJournal',
      'parseRecording',
      'passName',
      'recordingFormat',
      'startMigration',
      'startWatching',
      'takeOver',
      'watchMigration',
    ],
  ],
  [
    './policy',
    'policy/index.js',
    [
      'PolicyError',
      'adaptiveStop',
      'autoConvergeFirst',
      'chain',
      'evaluatePredictions',
      'fakeAware',
      'forecast',
      'giveUp',
      'intelligentHybrid',
      'parsePolicies',
      'passesOf',
      'policyEvaluationsOf',
      'policyNames',
      'predict',
      'replay',
      'stall',
    ],
  ],
  [
    './monitor',
    'monitor/index.js',
    ['MeasurementError', 'measureDirtying', 'measureVm', 'observeVm', 'parseObservation'],
  ],
  [
    './strategy',
    'strategy/index.js',
    ['chooseMethod', 'explainRunning', 'goals', 'usualThresholds'],
  ],
  [
    './fleet',
    'fleet/index.js',
    [
      'ActError',
      'FleetBusyError',
      'FleetJournalError',
      'FleetStateError',
      'FleetWriteError',
      'PreflightError',
      'SiteError',
      'SiteFolder',
      'completePlan',
      'defaultSiteFolder',
      'drain',
      'fleetJournalFormat',
      'measureVms',
      'measurementFormat',
      'measurementSchema',
      'methodSchema',
      'moveSchema',
      'nextAction',
      'parseSite',
      'placeSchema',
      'plan',
      'planSchema',
      'predictMove',
      'predictionSchema',
      'preflight',
      'rangeSchema',
      'readSiteFile',
      'remarks',
      'siteFormat',
      'statusOf',
    ],
  ],
];

it.each(doors)('the door "%s" exports these names and no others', async (_, source, names) => {
  const exported = await import(/* @vite-ignore */ `../../lib/${source}`);
  expect(Object.keys(exported).sort()).toEqual(names);
});

it('package.json exports a door for each room, the lab, and nothing else', () => {
  const file = new URL('../../package.json', import.meta.url);
  const { exports } = JSON.parse(readFileSync(file, 'utf8'));
  const expected = [...doors.map(([door]) => door), './lab', './lab/figures', './package.json'];
  expect(Object.keys(exports)).toEqual(expected);
  for (const [door, source] of doors) {
    expect(exports[door].default).toBe(`./dist/${source}`);
    expect(exports[door].types).toBe(`./dist/${source.replace(/\.js$/, '.d.ts')}`);
  }
});
