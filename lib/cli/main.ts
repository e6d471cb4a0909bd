#!/usr/bin/env node
// The command `fakedirty`.
import { tellError } from './errors.js';
import { showHelpOfWords } from './help.js';
import { guardOutput } from './lost-output.js';
import { createProgram } from './program.js';

guardOutput();
try {
  const program = createProgram();
  showHelpOfWords(program, process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  process.exitCode = tellError(error);
}
