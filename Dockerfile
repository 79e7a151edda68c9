# Two images: "app" for every Python service, and "nginx" with the static files of the same build.

FROM python:3.12-slim AS packages
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt /tmp/
RUN python -m venv /opt/venv \
 && pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement /tmp/requirements.txt


# Compile the bytecode now, because the containers' root file system is read-only. Their user must be able to read all
# files, even if the person who cloned the repository keeps files private.
FROM packages AS built
WORKDIR /app
COPY . .
RUN VAR_DIR=/tmp/var STATIC_ROOT=/srv/static python manage.py collectstatic --no-input --verbosity 0 \
 && python -m compileall -q . \
 && chmod --recursive a+rX /app /srv/static


# Leave out what no running program needs: tests, headers, translations (USE_I18N is false), static files (collected
# above), debugging symbols, Amazon's services except S3 and those for credentials, other programs of onnx and
# onnxruntime, and onnxruntime's library for C, which its Python module does not load.
FROM packages AS needed
WORKDIR /opt/venv/lib/python3.12/site-packages
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/* \
 && strip --strip-debug lz4/*.so lz4/*/*.so yaml/*.so && strip --strip-unneeded ./*.libs/*.so*
RUN pip uninstall --quiet --yes supervisor pip \
 && rm -r django/contrib/gis numpy/f2py onnx/backend/test onnx/reference onnxruntime/datasets \
    onnxruntime/quantization onnxruntime/tools onnxruntime/transformers onnxruntime/capi/libonnxruntime.so.* \
    django/contrib/admin/static drf_spectacular_sidecar/static rest_framework/static unfold/static \
 && find django/conf/locale -mindepth 1 -maxdepth 1 -type d ! -name 'en*' -exec rm -r {} + \
 && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -r {} + \
 && find . -type d -name tests -prune -exec rm -r {} + \
 && find . -type f \( -name '*.po' -o -name '*.mo' -o -name '*.pyi' -o -name '*.h' \) -delete


FROM python:3.12-slim AS app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin rapport \
 && install --directory --owner rapport --group rapport --mode 750 \
    /var/lib/rapport /srv/media /srv/secrets /srv/uploads
WORKDIR /app
COPY --from=needed /opt/venv /opt/venv
COPY --from=built /app /app
# nginx has the static files, and the web knows only their names.
COPY --from=built /srv/static/staticfiles.json /srv/static/
USER 10001:10001


FROM nginx:1 AS nginx
RUN install --directory --owner 10001 --group 10001 --mode 750 /srv/media /srv/uploads
COPY --from=built /srv/static /srv/static
COPY --from=built /app/deploy/nginx /etc/rapport
USER 10001:10001
CMD ["sh", "/etc/rapport/start.sh"]
