#!/bin/sh
# Make the secrets of compose.yaml, once: deploy/secrets, or the folder that is named.
# The folder is its owner's alone. Its files are readable, for each container reads its own as
# another user, and the engine hands them over with the mode that they have here.
set -eu

folder=${1:-$(dirname "$0")/secrets}
if [ -e "$folder" ]; then
  echo "$folder exists; what is in use is not replaced" >&2
  exit 1
fi

random() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
keep() { printf '%s\n' "$2" > "$folder/$1"; chmod 0444 "$folder/$1"; }

mkdir -m 0700 "$folder"
database=$(random)
redis=$(random)
rabbitmq=$(random)
keep postgres_password "$database"
keep database_url "postgresql://pipewarden:$database@postgres:5432/pipewarden"
keep redis_password "$redis"
keep broker_url "redis://:$redis@redis:6379/0"
keep rabbitmq.conf "default_user = pipewarden
default_pass = $rabbitmq"
keep rabbitmq_url "amqp://pipewarden:$rabbitmq@rabbitmq:5672/%2F"
keep nats.conf "jetstream { store_dir: /data }
http_port: 8222
authorization { user: pipewarden, password: \"$(random)\" }"
keep elastic_password "$(random)"
keep grafana_password "$(random)"
echo "made the secrets in $folder"
