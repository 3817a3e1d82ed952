#!/usr/bin/env bash
# Roll models back: a thin wrapper of `pipewarden rollback`.
#
#   scripts/rollback_model.sh --to-version 22 [--model NAME]       the only model, if none is named
#   scripts/rollback_model.sh --all-models --to-version previous
#   scripts/rollback_model.sh --emergency                          all, to the last known good
#   scripts/rollback_model.sh --emergency-rollback --isbn ISBN     one series, likewise
#
# Nothing is asked. Exit codes are those of pipewarden: 0 done, 1 something could not go back or
# was not found good, 3 nothing to go back to.
set -euo pipefail

pipewarden="${PIPEWARDEN_COMMAND:-pipewarden}"
arguments=(--yes)
reasoned=
while (($#)); do
  case "$1" in
    --rollback) ;;
    --emergency-rollback) arguments+=(--emergency) ;;
    --all-models) arguments+=(--all) ;;
    --reason | --reason=*) reasoned=1; arguments+=("$1") ;;
    --help | -h) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[[ -n $reasoned ]] || arguments+=(--reason "asked for with rollback_model.sh")
exec "$pipewarden" rollback "${arguments[@]}"
