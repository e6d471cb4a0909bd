// `fakedirty completion`: prints what a shell needs to complete the commands.
import { Argument, type Command } from 'commander';
import { completionScript, type Shell, shells } from './completion.js';
import { oneOf } from './option-values.js';
import { outputOptions } from './output-options.js';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('Prints what a shell needs to complete these commands.')
    .addArgument(oneOf(new Argument('<shell>'), shells))
    .addHelpText(
      'after',
      `
  bash:  source <(fakedirty completion bash)         in ~/.bashrc
  zsh:   source <(fakedirty completion zsh)          in ~/.zshrc, after compinit
  fish:  fakedirty completion fish > ~/.config/fish/completions/fakedirty.fish`,
    )
    .action((shell: Shell) => {
      const script = completionScript(program, shell);
      if (outputOptions().json) console.log(JSON.stringify({ shell, script }));
      else process.stdout.write(script);
    });
}
