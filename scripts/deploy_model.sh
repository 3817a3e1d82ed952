#!/usr/bin/env bash
# Deploy a model: a thin wrapper of `pipewarden deploy`.
#
#   scripts/deploy_model.sh --environment production --model-version latest [--model NAME]
#   scripts/deploy_model.sh --all-models --family sales --environment staging
#
# With --rollback, --emergency-rollback or --emergency it is scripts/rollback_model.sh.
# Exit codes are those of pipewarden: 0 done, 1 refused by a gate or taken back, 3 in conflict.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
for word in "$@"; do
  case "$word" in
    --rollback | --emergency-rollback | --emergency) exec "$here/rollback_model.sh" "$@" ;;
  esac
done

pipewarden="${PIPEWARDEN_COMMAND:-pipewarden}"
arguments=()
while (($#)); do
  case "$1" in
    --model-version) arguments+=(--version) ;;
    --all-models) arguments+=(--all) ;;
    --help | -h) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
exec "$pipewarden" deploy "${arguments[@]}"
