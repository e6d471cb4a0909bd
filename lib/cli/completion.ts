// What a shell needs to complete the commands, made from the commands themselves: subcommands, options, what options take
// (also as --option=value), and policies with their settings.
import type { Command, Option } from 'commander';
import { policySettings } from '../policy/named.js';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

interface Described {
  /** The words before: "", "qemu", "qemu build". */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  /** What its arguments can be, where these are few. */
  readonly choices: readonly string[];
}

/** What follows an option: one of these words, a policy, or anything, such as the name of a file. */
type Values = readonly string[] | 'policy' | 'anything';

function describeAll(command: Command, path = ''): Described[] {
  const options = command.options.filter(({ hidden }) => !hidden);
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const own = { path, commands: command.commands, options, choices };
  const below = command.commands.flatMap((each) =>
    describeAll(each, `${path} ${each.name()}`.trim()),
  );
  return [own, ...below];
}

/** Undefined: nothing follows it. */
function valuesOf({ long, required, optional, argChoices }: Option): Values | undefined {
  if (!required && !optional) return undefined;
  if (long === '--policy') return 'policy';
  return argChoices ?? 'anything';
}

function wordsOf({ commands, options, choices }: Described): string {
  const flags = options.flatMap(({ long }) => long ?? []);
  return [...commands.map((command) => command.name()), ...choices, ...flags, '--help'].join(' ');
}

/** What may follow the name of a policy and a colon: settings, with their values where these are few. */
const settings = Object.entries(policySettings).map(([name, all]): [string, string] => [
  name,
  Object.entries(all)
    .flatMap(([setting, values]) =>
      values.length > 0 ? values.map((value) => `${setting}=${value}`) : `${setting}=`,
    )
    .join(' '),
]);
const policies = settings.flatMap(([name]) => [name, `${name}:`]).join(' ');

interface Table {
  /** Patterns of a `case` over all paths. */
  readonly paths: string;
  /** For each path and option that takes something: PATH OPTION, and what it takes. */
  readonly values: readonly (readonly [key: string, values: Values])[];
  /** For each path: its words. */
  readonly words: readonly (readonly [path: string, words: string])[];
}

function tableOf(all: readonly Described[]): Table {
  return {
    paths: all.flatMap(({ path }) => (path ? `'${path}'` : [])).join('|'),
    words: all.map((each) => [each.path, wordsOf(each)]),
    values: all.flatMap(({ path, options }) =>
      options.flatMap((option) => {
        const values = valuesOf(option);
        return values && option.long ? [[`${path} ${option.long}`, values] as const] : [];
      }),
    ),
  };
}

function bash({ paths, values, words }: Table): string {
  const ofPolicies = settings.map(([name, list]) => `    ${name}:*) list='${list}' ;;`);
  const ofOptions = values.map(([key, taken]) => {
    if (taken === 'policy') return `    '${key}') _fakedirty_policies "$value"; return ;;`;
    const how = taken === 'anything' ? 'compgen -f' : `compgen -W '${taken.join(' ')}'`;
    return `    '${key}') COMPREPLY=($(${how} -- "$value")); _fakedirty_rest "$word"; return ;;`;
  });
  const ofPaths = words.map(
    ([path, list]) => `    '${path}') COMPREPLY=($(compgen -W '${list}' -- "$word")) ;;`,
  );
  return `# Readline replaces what follows the last "=" or ":" only, where those break words.
_fakedirty_rest() {
  local breaks='' each kept
  for each in '=' ':'; do
    case "$COMP_WORDBREAKS" in *"$each"*) breaks+="$each" ;; esac
  done
  case "\${COMPREPLY[*]}" in *[=:]) compopt -o nospace 2>/dev/null ;; esac
  [ -n "$breaks" ] || return
  kept="$1"
  case "$1" in --*=*) kept="\${1#*=}" ;; esac
  kept="\${kept%"\${kept##*[$breaks]}"}"
  COMPREPLY=("\${COMPREPLY[@]#"$kept"}")
}
_fakedirty_policies() {
  local list='${policies}' before=''
  case "$1" in
${ofPolicies.join('\n')}
  esac
  case "$1" in *:*) before="\${1%"\${1##*[:,]}"}" ;; esac
  COMPREPLY=($(compgen -P "$before" -W "$list" -- "\${1#"$before"}"))
  _fakedirty_rest "$1"
}
_fakedirty() {
  local line="\${COMP_LINE:0:COMP_POINT}" path='' word='' before='' value all each
  read -ra all <<<"$line"
  case "$line" in *' ') ;; *) word="\${all[-1]}"; unset 'all[-1]' ;; esac
  for each in "\${all[@]:1}"; do
    case "\${path:+$path }$each" in
    ${paths}) path="\${path:+$path }$each" ;;
    esac
    before="$each"
  done
  value="$word"
  case "$word" in --*=*) before="\${word%%=*}"; value="\${word#*=}" ;; esac
  case "$path $before" in
${ofOptions.join('\n')}
  esac
  case "$path" in
${ofPaths.join('\n')}
  esac
}
complete -o default -F _fakedirty fakedirty
`;
}

function zsh({ paths, values, words }: Table): string {
  const ofPolicies = settings.map(([name, list]) => `    (${name}:*) list=(${list}) ;;`);
  const ofOptions = values.map(([key, taken]) => {
    if (taken === 'policy') return `    ('${key}') _fakedirty_policies "$value"; return ;;`;
    const how = taken === 'anything' ? '_files' : `compadd -- ${taken.join(' ')}`;
    return `    ('${key}') ${how}; return ;;`;
  });
  const ofPaths = words.map(([path, list]) => `    ('${path}') compadd -- ${list} ;;`);
  return `#compdef fakedirty
_fakedirty_policies() {
  local -a list=(${policies})
  case "$1" in
${ofPolicies.join('\n')}
  esac
  case "$1" in (*:*) compset -P '*[:,]' ;; esac
  compadd -S '' -- $list
}
_fakedirty() {
  local at='' before='' word="$words[CURRENT]" value each
  for each in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$each" in
    (${paths}) at="\${at:+$at }$each" ;;
    esac
    before="$each"
  done
  value="$word"
  case "$word" in
    (--*=*) before="\${word%%=*}"; value="\${word#*=}"; compset -P '*=' ;;
  esac
  case "$at $before" in
${ofOptions.join('\n')}
  esac
  case "$at" in
${ofPaths.join('\n')}
  esac
}
compdef _fakedirty fakedirty
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fish(all: readonly Described[]): string {
  const ofPolicies = settings.map(([name, list]) => `    case '${name}:*'\n      set list ${list}`);
  const policy = `function __fakedirty_policies
  set -l value (commandline -ct | string replace -r -- '^--policy=' '')
  set -l list ${policies}
  set -l before ''
  switch "$value"
${ofPolicies.join('\n')}
  end
  if string match -q -- '*:*' "$value"
    set before (string replace -r -- '[^:,]*$' '' "$value")
  end
  for each in $list
    echo $before$each
  end
end
`;
  const lines = all.flatMap(({ path, commands, options, choices }) => {
    const words = path.split(' ').filter(Boolean);
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const names = commands.map((command) => command.name()).join(' ');
    const none = names === '' ? '' : `not __fish_seen_subcommand_from ${names}`;
    const condition = [seen, none].filter(Boolean).join('; and ') || 'true';
    const start = `complete -c fakedirty -n '${condition}'`;
    return [
      ...commands.map(
        (command) => `${start} -f -a ${command.name()} -d ${quoted(command.description())}`,
      ),
      ...(choices.length > 0 ? [`${start} -f -a '${choices.join(' ')}'`] : []),
      ...options.map((option) => {
        const values = valuesOf(option);
        const words = values === 'policy' ? '(__fakedirty_policies)' : values;
        const list = typeof words === 'string' ? words : words?.join(' ');
        const how = values === undefined ? '' : values === 'anything' ? ' -r' : ` -x -a '${list}'`;
        return `${start} -l ${option.long?.slice(2)}${how} -d ${quoted(option.description)}`;
      }),
    ];
  });
  return `${policy}${lines.join('\n')}\n`;
}

export function completionScript(program: Command, shell: Shell): string {
  const all = describeAll(program);
  if (shell === 'fish') return fish(all);
  return shell === 'zsh' ? zsh(tableOf(all)) : bash(tableOf(all));
}
