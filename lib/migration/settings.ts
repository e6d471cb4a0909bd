// Sets capabilities and parameters of a QEMU, and remembers their earlier values.
import type { QmpSession } from '../qmp/client.js';
import type { Settings } from './plan-settings.js';
import type { QemuSetup } from './qemu-setup.js';

/** What of these settings has to be set: what is set that way already need not be put back either. */
export function settingsToChange(
  setup: QemuSetup,
  { capabilities, parameters }: Settings,
): Settings {
  return {
    capabilities: Object.fromEntries(
      Object.entries(capabilities).filter(
        ([name, state]) => setup.capabilities.get(name) !== state,
      ),
    ),
    parameters: Object.fromEntries(
      Object.entries(parameters).filter(([name, value]) => setup.parameters[name] !== value),
    ),
  };
}

/** Sets all of them. */
export async function setSettings(
  qmp: QmpSession,
  { capabilities, parameters }: Settings,
): Promise<void> {
  const list = Object.entries(capabilities).map(([capability, state]) => ({ capability, state }));
  // Parameters first: some capabilities are refused for the sake of a parameter (an unsafe hash).
  if (Object.keys(parameters).length > 0) {
    await qmp.execute('migrate-set-parameters', parameters);
  }
  if (list.length > 0) {
    await qmp.execute('migrate-set-capabilities', { capabilities: list });
  }
}

/** What these settings are before they are set: what is to be put back. */
export function settingsBefore(setup: QemuSetup, { capabilities, parameters }: Settings): Settings {
  return {
    capabilities: Object.fromEntries(
      Object.keys(capabilities).map((name) => [name, setup.capabilities.get(name) ?? false]),
    ),
    parameters: Object.fromEntries(
      Object.keys(parameters)
        .map((name) => [name, setup.parameters[name]] as const)
        .filter(([, value]) => value !== undefined),
    ),
  };
}
