// The error of hosts.
import { FakedirtyError } from '../../errors/error.js';

/** Hosts for VMs cannot be made on this machine. */
export class HostsError extends FakedirtyError {
  override readonly name = 'HostsError';
  override readonly code = 'ERR_HOSTS';
}
