#!/bin/sh
# Makes deploy/secrets/: what can be drawn at random is, what only a vendor can give is named at the end.
# A file that is there already stays as it is, so that it can be run again.
set -eu
folder=${1:-"$(dirname "$0")/secrets"}

# Compose mounts each file with the mode it has here, and the containers run as other users: each file is readable,
# the folder only by its owner.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { # keep NAME < CONTENT
  if [ -s "$folder/$1" ]; then cat >/dev/null; else cat >"$folder/$1"; fi
}

random | keep postgres_password
for trigger in incoming outgoing status conversation flow; do random | keep "wabotick_${trigger}_secret"; done
keep hookyard.env <<END
# The settings that are secret, NAME=value a line; the others stand in .env.
HOOKYARD_DATABASE_URL=postgresql://hookyard:$(cat "$folder/postgres_password")@postgres:5432/hookyard
HOOKYARD_REDIS_URL=redis://redis:6379/0
HOOKYARD_FLOWER_AUTH=operator:$(random)
HOOKYARD_METRICS_TOKEN=$(random)
# HOOKYARD_SENTRY_DSN=
END

missing=0
for name in scalev_signing_secret scalev_api_key wabotick_api_token proton_api_key proton_webhook_secret; do
  if [ ! -s "$folder/$name" ]; then
    [ $missing = 1 ] || echo "Only a vendor can give these; write each into its file:"
    missing=1
    echo "  $folder/$name"
  fi
done
