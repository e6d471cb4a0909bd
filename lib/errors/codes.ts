// The codes of this package's errors. They are part of its interface: a code keeps its meaning. Catch errors by code or
// by class, never by message.

/** All codes, each with what it means. */
export const errorCodes = {
  // Fingerprints and tables.
  ERR_OPTION: 'An argument or option is wrong; `option` names it.',
  ERR_DISPOSED: 'A hasher, table or file was used after it had been disposed of.',
  ERR_BUSY: 'A table was used while a background check of it was under way.',
  ERR_STALE_CHECK: 'A check was committed twice, or after its table had changed.',
  ERR_NATIVE: 'libfakedirty failed; `status` is its fakedirty_status.',
  ERR_NO_ADDON:
    'There is no native addon for this machine, it does not load, or the package was bundled without it.',
  ERR_MEMORY_FILE: 'A memory file cannot be opened, or became shorter while it was read.',
  // QMP.
  ERR_QMP: 'A QMP connection was used for something that it cannot do.',
  ERR_QMP_ADDRESS: 'This is not a QMP address.',
  ERR_QMP_GREETING: 'What listens there did not greet as a QEMU does.',
  ERR_QMP_BUSY: 'QEMU did not greet in time: most likely it talks to another program.',
  ERR_QMP_NEGOTIATION: 'QEMU greeted, but refused to negotiate capabilities.',
  ERR_QMP_COMMAND: 'QEMU refused a command; `errorClass` and `description` are its own words.',
  ERR_QMP_CLOSED: 'The QMP connection is closed, or could not be opened.',
  ERR_QMP_TIMEOUT: 'QEMU did not answer in time. It may still execute the command.',
  ERR_QMP_PROTOCOL: 'QEMU answered in a form that was not expected.',
  ERR_QMP_GARBLED: 'What arrived is not QMP.',
  ERR_QMP_OVERSIZED: 'A message is longer than the limit of this connection.',
  ERR_QMP_EVENT_OVERFLOW: 'An event stream was closed because its events were not read.',
  // Migrations and policies.
  ERR_MIGRATION_REFUSED:
    'A migration cannot begin as asked; `problems` says why. Nothing was changed.',
  ERR_MIGRATION_STATE: 'A running migration cannot do that now; it may have ended.',
  ERR_POLICY_DECISION: 'A policy returned something other than a decision.',
  ERR_WATCH_STOPPED: 'A migration is no longer watched because `stop()` was called.',
  ERR_MEASUREMENT: 'This QEMU cannot be measured as asked. Its guest was not disturbed.',
  ERR_RECORDING:
    'This is not a recording of a migration, or is of another format; `line` says where.',
  ERR_JOURNAL: 'This is not a journal of a migration, or it cannot be taken over.',
  ERR_POLICY: 'There is no such policy, or it does not take these settings.',
  // Building QEMU.
  ERR_BUILD_MISSING_TOOLS: 'Programs or libraries that a build needs are missing.',
  ERR_BUILD_NO_SOURCE: 'There is no source of QEMU, or it is of another version.',
  ERR_BUILD_SERIES: 'The patch series does not apply to this source.',
  ERR_BUILD_DISK_FULL: 'There is no room for a build.',
  ERR_BUILD_COMPILATION: 'Configuring or compiling failed.',
  ERR_NOT_BUILT: 'This QEMU has not been built.',
  ERR_DOWNLOAD: 'A download failed, or its checksum is wrong.',
  // Running QEMUs and guests.
  ERR_QEMU_ENDED: 'A QEMU ended, or did not start.',
  ERR_WORKSPACE: 'There is no room for the memory of a guest.',
  ERR_MEMORY_COMPARISON: 'The memories of two guests cannot be compared.',
  ERR_GUEST: 'A guest said something unexpected, or nothing.',
  // The lab.
  ERR_SITE:
    'The description of a site is not valid; `problems` says what is wrong, each with its line.',
  ERR_FLEET_JOURNAL: 'The journal of a site cannot be read.',
  ERR_FLEET_WRITE: 'The journal of a site cannot be written; what it should say was not done.',
  ERR_FLEET_BUSY: 'Another process moves the VMs of this site.',
  ERR_FLEET_STATE: 'What is asked for does not fit what is under way at this site.',
  ERR_PREFLIGHT: 'VMs cannot be moved as asked; `problems` says which and why. Nothing was moved.',
  ERR_ACT_REFUSED: 'A step of a move was refused, and is not done.',
  ERR_ACT: 'A step of a move could not be done; the move is looked at anew.',
  ERR_EXPERIMENT: 'This is not a valid experiment; `problems` has a line each.',
  ERR_ADDITIONS: 'A module with workloads, methods or figures of your own is wrong.',
  ERR_WORKLOAD_OPTIONS: 'A workload does not take these options.',
  ERR_NEEDS: 'An experiment needs what this machine does not have; `problems` lists all of it.',
  ERR_NO_ACCELERATOR: 'No accelerator boots a 64-bit guest on this machine.',
  ERR_HOSTS: 'Hosts for VMs cannot be made on this machine.',
  ERR_GUEST_IMAGE: 'What a Linux guest boots cannot be fetched or compiled.',
  ERR_MISSING_PACKAGE: 'Reports need npm packages that are not installed; the message names them.',
  ERR_RESULTS: 'A folder of results cannot be read or written, or holds something else.',
  ERR_ATTEMPT: 'An attempt at a run failed.',
  ERR_RUNS_FAILED:
    'Every attempt at some runs of an experiment failed; the report has the reasons.',
  ERR_INTERRUPTED: 'The work was interrupted by its caller.',
  // Running commands.
  ERR_COMMAND_LINE: 'The command line is wrong.',
  ERR_CANCELLED:
    'A command was ended by a signal, or because its output was lost, before it began.',
  ERR_FAILURE: 'A command failed for a reason without a code of its own.',
  ERR_CACHE: 'The cache of builds, guests and logs cannot be made.',
  ERR_STEP: 'A step failed, and has said so.',
  ERR_TIMEOUT: 'Something did not happen in time.',
  ERR_COMMAND: 'A command could not be run, or failed.',
  ERR_LOCK: 'The lock that makes one run wait for another cannot be taken.',
  ERR_SYSTEM_PACKAGES:
    'Debian packages are missing and cannot be installed here; the message names them.',
} as const;

/** The code of an error: one of the names in `errorCodes`. */
export type ErrorCode = keyof typeof errorCodes;
