#!/bin/sh
# Make the secrets that compose.yaml reads, each once: what is there already is kept.
#   sh docker/make-secrets.sh            into docker/secrets
#   sh docker/make-secrets.sh FOLDER
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# Readable by the containers' users, who are not you; the folder is closed to everybody else here.
put() {
  [ -e "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"
  chmod 644 "$folder/$1"
}

put postgres_password "$(random)"
put redis_password "$(random)"
put engine_key "$(random)"
put grafana_password "$(random)"

redis="redis://:$(cat "$folder/redis_password")@redis:6379"
put store_url "postgresql://onbrand:$(cat "$folder/postgres_password")@postgres:5432/onbrand"
put redis_url "$redis/0"
put broker_url "$redis/1"
put redis.conf "requirepass $(cat "$folder/redis_password")"

# To be replaced by real ones: keys with the scope metrics, chat, and chat with feedback where require_key is on, and
# what Slack and Discord gave you.
put metrics_key unset
put worker_key unset
put bot_key unset
put slack_bot_token unset
put slack_app_token unset
put discord_token unset
