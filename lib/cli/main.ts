#!/usr/bin/env node
// The command `fakedirty`.
import { tellError } from './errors.js';
import { guardOutput } from './lost-output.js';
import { createProgram } from './program.js';

guardOutput();
try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = tellError(error);
}
