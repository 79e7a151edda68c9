#!/bin/sh
# Make the secrets that do not exist yet. Nobody needs to know them.
set -eu
cd /srv/secrets
umask 077
for name in secret_key database_password; do
    [ -s "$name" ] && continue
    head -c 48 /dev/urandom | base64 --wrap=0 | tr '+/' '-_' > ".$name"
    chmod 440 ".$name" # PostgreSQL's user is a member of our group and must read it
    mv ".$name" "$name"
done
