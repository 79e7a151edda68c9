#!/bin/sh
# Write what depends on the environment, and start nginx.
set -eu
here=/etc/rapport
made=/tmp/rapport
certificate=/certificates/fullchain.pem
key=/certificates/privkey.pem
mkdir -p "$made"

# Delete what a killed container left behind. No upload takes a day.
find /srv/uploads -type f -mtime +0 -delete

limits() {
    # As the web: 5 MiB of fields, the photos where they are accepted, and a little for the form's boundaries.
    fields=$((6 * 1024 * 1024))
    echo "client_max_body_size $fields;"
    cat <<END
limit_req_zone \$client zone=requests:10m rate=${REQUESTS_PER_SECOND:-50}r/s;
limit_conn_zone \$client zone=connections:10m;
END
    # The limits of one address, which may belong to a whole office.
    cat > "$made/requests.inc" <<END
limit_req zone=requests burst=${REQUESTS_AT_ONCE:-500} nodelay;
limit_req_status 429;
limit_conn connections ${CONNECTIONS:-200};
limit_conn_status 429;
END
    echo "client_max_body_size $((MAX_PHOTO_BYTES * MAX_PHOTOS_PER_FORM + fields));" > "$made/uploads.inc"
}

proxies() {
    echo 'real_ip_header X-Forwarded-For;'
    echo 'real_ip_recursive on;'
    for proxy in $TRUSTED_PROXIES; do echo "set_real_ip_from $proxy;"; done
    # shellcheck disable=SC2016 # nginx's variables
    echo 'geo $realip_remote_addr $from_proxy {' 'default 0;'
    for proxy in $TRUSTED_PROXIES; do echo "$proxy 1;"; done
    # shellcheck disable=SC2016
    echo '}' 'map $from_proxy$http_x_forwarded_proto $forwarded_proto { default $scheme; 1https https; }'
}

plain() {
    echo "server { listen 8080; include $here/site.conf; }"
}

encrypted() {
    port=${HTTPS_LISTEN##*:}
    [ "$port" = 443 ] && port='' || port=":$port"
    cat <<END
ssl_certificate $certificate;
ssl_certificate_key $key;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:tls:2m;
ssl_session_tickets off;
server { listen 8443 ssl http2; include $here/site.conf; }
server { listen 8080; return 308 https://\$host$port\$request_uri; }
END
}

TRUSTED_PROXIES=$(echo "${TRUSTED_PROXIES:-}" | tr ',' ' ')
limits > "$made/limits.conf"
proxies > "$made/proxies.conf"
if [ -e "$certificate" ] || [ -e "$key" ]; then
    for file in "$certificate" "$key"; do
        [ -r "$file" ] || { echo "nginx cannot start: $file is missing, or user $(id -u) may not read it." >&2; exit 1; }
    done
    encrypted > "$made/site.conf"
else
    plain > "$made/site.conf"
fi
exec nginx -c "$here/nginx.conf" -g 'daemon off;'
