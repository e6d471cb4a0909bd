// `fakedirty completion`: what a shell needs to complete our commands, made from the commands themselves.
import { Argument, type Command, type Option } from 'commander';
import { oneOf } from './option-values.js';
import { outputOptions } from './output-options.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

interface Described {
  /** The words before: "", "qemu", "qemu build". */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
}

function describeAll(command: Command, path = ''): Described[] {
  const own = { path, commands: command.commands, options: command.options };
  const below = command.commands.flatMap((each) =>
    describeAll(each, `${path} ${each.name()}`.trim()),
  );
  return [own, ...below];
}

function visible({ options }: Described): Option[] {
  return [...options.filter(({ hidden }) => !hidden)];
}

function wordsOf(described: Described): string {
  const names = described.commands.map((command) => command.name());
  const flags = visible(described).flatMap(({ long }) => long ?? []);
  return [...names, ...flags, '--help'].join(' ');
}

/** What follows an option: its choices, or the names of files. */
function bashValues(described: Described): string[] {
  return visible(described)
    .filter(({ long, required, optional }) => long && (required || optional))
    .map(({ long, argChoices }) => {
      const values = argChoices ? `compgen -W '${argChoices.join(' ')}'` : 'compgen -f';
      return `    '${described.path} ${long}') COMPREPLY=($(${values} -- "$word")); return ;;`;
    });
}

function bash(all: readonly Described[]): string {
  const paths = all.map(({ path }) => `'${path}'`).filter((path) => path !== "''");
  const words = all.map(
    (each) => `    '${each.path}') COMPREPLY=($(compgen -W '${wordsOf(each)}' -- "$word")) ;;`,
  );
  return `_fakedirty() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path='' each
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$each" in
    ${paths.join('|')}) path="\${path:+$path }$each" ;;
    esac
  done
  case "$path $before" in
${all.flatMap(bashValues).join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
}
complete -o default -F _fakedirty fakedirty
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fish(all: readonly Described[]): string {
  const lines = all.flatMap((described) => {
    const words = described.path.split(' ').filter(Boolean);
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const names = described.commands.map((command) => command.name()).join(' ');
    const none = names === '' ? '' : `not __fish_seen_subcommand_from ${names}`;
    const condition = [seen, none].filter(Boolean).join('; and ') || 'true';
    const start = `complete -c fakedirty -n '${condition}'`;
    return [
      ...described.commands.map(
        (command) => `${start} -f -a ${command.name()} -d ${quoted(command.description())}`,
      ),
      ...visible(described).map(({ long, required, argChoices, description }) => {
        const values = argChoices ? ` -x -a '${argChoices.join(' ')}'` : required ? ' -r' : '';
        return `${start} -l ${long?.slice(2)}${values} -d ${quoted(description)}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}

export function completionScript(program: Command, shell: Shell): string {
  const all = describeAll(program);
  if (shell === 'fish') return fish(all);
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash(all)}` : bash(all);
}

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
