// Sets capabilities and parameters of a QEMU, and puts back those that it changed.
import type { QmpClient } from '../qmp/client.js';
import type { Settings } from './plan-settings.js';
import type { QemuSetup } from './qemu-setup.js';

/** What is set that way already need not be set, nor put back. */
function changed(setup: QemuSetup, { capabilities, parameters }: Settings): Settings {
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

async function set(qmp: QmpClient, { capabilities, parameters }: Settings): Promise<void> {
  const list = Object.entries(capabilities).map(([capability, state]) => ({ capability, state }));
  // Parameters first: some capabilities are refused for the sake of a parameter (a weak hash).
  if (Object.keys(parameters).length > 0) {
    await qmp.execute('migrate-set-parameters', parameters);
  }
  if (list.length > 0) {
    await qmp.execute('migrate-set-capabilities', { capabilities: list });
  }
}

function before(setup: QemuSetup, { capabilities, parameters }: Settings): Settings {
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

/** Sets all of them, or none; the function that it returns puts back what was set before. */
export async function applySettings(
  qmp: QmpClient,
  setup: QemuSetup,
  wanted: Settings,
): Promise<() => Promise<void>> {
  const ours = changed(setup, wanted);
  const previous = before(setup, ours);
  const putBack = () => set(qmp, previous);
  try {
    await set(qmp, ours);
  } catch (error) {
    // It may have been refused half-way. What can't be put back has not been changed.
    await putBack().catch(() => {});
    throw error;
  }
  return putBack;
}
