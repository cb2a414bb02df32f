# shellcheck shell=bash
# Sourced by run.sh after it has set its options' defaults: `--some-option value` sets the variable some_option.
#
# Only variables that are set already count as options, so a misspelt one is an error. --help prints the
# comment at the top of the script, and the options of all recipes where utils/recipe.sh has been sourced.

while [ $# -gt 0 ]; do
  case $1 in
    --help|-h)
      [ -f "$0" ] && _script=$0 || _script=$(basename "$0") # run.sh has gone to its own folder by now
      sed -n '2,/^[^#]/ { /^#/ s/^# \{0,1\}//p }' "$_script"
      if [ -n "${recipe_options:-}" ]; then sed -n '/^# Options of all/,/^[^#]/ s/^# \{0,1\}//p' "$recipe_options"; fi
      exit 0 ;;
    --*)
      _name=${1#--}
      _name=${_name//-/_}
      if [[ ! $_name =~ ^[a-z][a-z0-9_]*$ ]] || [ -z "${!_name+set}" ]; then
        echo "$0: unknown option $1; $0 --help lists them" >&2
        exit 1
      fi
      if [ $# -lt 2 ]; then
        echo "$0: option $1 needs a value" >&2
        exit 1
      fi
      printf -v "$_name" '%s' "$2"
      # Which options were given, for those whose default is not the same as saying it.
      printf -v "${_name}_given" '%s' true
      shift 2 ;;
    *)
      echo "$0: $1 is no option; $0 --help lists them" >&2
      exit 1 ;;
  esac
done
