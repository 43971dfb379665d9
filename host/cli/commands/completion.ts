// `sluice completion`: for bash, zsh and fish, made from the command table.
import { type Command, flagsOf } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { TABLE } from "../table.ts";

interface Words {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly { readonly name: string; readonly description: string }[];
}

async function collect(): Promise<readonly Words[]> {
  const commands = await Promise.all(TABLE.map((entry) => entry.load()));
  return commands.map((command) => ({ name: command.name, summary: command.summary, flags: flagsOf(command) }));
}

function bash(words: readonly Words[]): string {
  const cases = words.map(
    ({ name, flags }) => `    ${name}) words="${flags.map((flag) => `--${flag.name}`).join(" ")}" ;;`,
  );
  return `_sluice() {
  local words="${words.map((one) => one.name).join(" ")} help"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _sluice sluice
`;
}

const quote = (text: string): string => text.replaceAll("'", "").replaceAll(":", "");

function zsh(words: readonly Words[]): string {
  const commands = words.map(({ name, summary }) => `    '${name}:${quote(summary)}'`);
  const cases = words.map(({ name, flags }) => {
    const list = flags.map((flag) => `'--${flag.name}[${quote(flag.description).replaceAll(/[[\]]/g, "")}]'`);
    return `    ${name}) _arguments ${list.join(" ")} '*:file:_files' ;;`;
  });
  return `#compdef sluice
_sluice() {
  local -a commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  shift words; (( CURRENT-- ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
compdef _sluice sluice
`;
}

function fish(words: readonly Words[]): string {
  const lines = words.flatMap(({ name, summary, flags }) => [
    `complete -c sluice -n __fish_use_subcommand -a ${name} -d '${quote(summary)}'`,
    ...flags.map(
      (flag) =>
        `complete -c sluice -n '__fish_seen_subcommand_from ${name}' -l ${flag.name} -d '${quote(flag.description)}'`,
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

const SHELLS: Readonly<Record<string, (words: readonly Words[]) => string>> = { bash, zsh, fish };

export const completion: Command = {
  name: "completion",
  summary: "Shell completion for bash, zsh or fish",
  args: { shell: { type: "positional", description: "bash, zsh or fish" } },
  async run({ args, terminal }) {
    const shell = args.text("shell") ?? "";
    const make = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
    if (make === undefined) throw new UsageError(`expected bash, zsh or fish, got "${shell}"`);
    terminal.data(make(await collect()));
    return EXIT.ok;
  },
};
