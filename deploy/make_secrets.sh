#!/bin/sh
# Make the secrets that are not there yet. Nobody needs to know them.
set -eu
cd /srv/secrets
umask 077
for name in secret_key database_password; do
    [ -s "$name" ] && continue
    head -c 48 /dev/urandom | base64 --wrap=0 | tr '+/' '-_' > ".$name"
    chmod 440 ".$name" # PostgreSQL's user reads it as a member of our group
    mv ".$name" "$name"
done
