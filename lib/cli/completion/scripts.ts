import type { Shell } from '../completion.js'

/**
 * What the shells are told. None of them knows a command or option: they ask `linkstore complete`,
 * whose first line says what is wanted, and each other one is a word, a tab and a description.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for linkstore
_linkstore() {
  local line="\${COMP_LINE:0:COMP_POINT}" kind reply
  COMPREPLY=()
  {
    read -r kind
    while IFS= read -r reply; do COMPREPLY+=("$reply"); done
  } < <("\${1/#\\~/$HOME}" complete bash -- "$line" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
  case $kind in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
    words) [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace ;;
  esac
  return 0
}
complete -F _linkstore linkstore
`,
  zsh: `#compdef linkstore
_linkstore() {
  local kind reply word
  local -a whole parts whole_texts part_texts
  {
    read -r kind
    while IFS= read -r reply; do
      word=\${reply%%$'\\t'*}
      if [[ $word == */ ]]; then
        parts+=("$word") part_texts+=("\${word}  \${reply#*$'\\t'}")
      else
        whole+=("$word") whole_texts+=("\${word}  \${reply#*$'\\t'}")
      fi
    done
  } < <("\${\${(Q)words[1]}/#\\~/$HOME}" complete zsh -- \\
    "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)
  case $kind in
    files) compset -P '--*='; _files ;;
    directories) compset -P '--*='; _files -/ ;;
    words)
      compadd -l -d whole_texts -a whole
      compadd -l -S '' -d part_texts -a parts
      ;;
  esac
}
if [[ $funcstack[1] == _linkstore ]]; then _linkstore "$@"; else compdef _linkstore linkstore; fi
`,
  fish: `# fish completion for linkstore
function __linkstore_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l replies ($words[1] complete fish -- $words[2..-1] "$current" 2>/dev/null </dev/null)
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    set -l length (math (string length -- "$current") - (string length -- "$path"))
    set -l before (string sub -l $length -- "$current")
    switch "$replies[1]"
        case files
            printf '%s\\n' $before(__fish_complete_path "$path")
        case directories
            printf '%s\\n' $before(__fish_complete_directories "$path" '')
        case words
            printf '%s\\n' $replies[2..-1]
    end
end
complete -c linkstore -f -a '(__linkstore_complete)'
`,
}
