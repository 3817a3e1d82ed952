#!/bin/sh
# Give each file below /run/secrets that is named for a setting to the command as that variable.
# A file keeps a secret out of the image, of the compose file and of what 'docker inspect' shows.
set -eu

for file in "${SECRETS_DIR:-/run/secrets}"/PIPEWARDEN_*; do
  [ -e "$file" ] || continue
  value=$(cat "$file")
  export "${file##*/}=$value"
done
exec "$@"
