# syntax=docker/dockerfile:1
# runtime (the default): detects and serves; without PyTorch.   docker build -t kontur .
# training:              generates and trains as well.          docker build -t kontur-train --target training .
# Pin the base by digest:  --build-arg BASE=python:3.11-slim-bookworm@sha256:...
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM ${BASE} AS base
RUN useradd --system --uid 10001 --create-home --home-dir /home/kontur kontur
ENV PATH=/opt/kontur/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib \
    XDG_CACHE_HOME=/tmp/cache
RUN python -m venv /opt/kontur

FROM base AS training
COPY --from=wheel /wheels /wheels
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --index-url ${TORCH_INDEX} torch==2.13.0 \
 && pip install --no-cache-dir "$(echo /wheels/kontur-*.whl)[train,serve,openvino]"
USER kontur
WORKDIR /workspace
LABEL org.opencontainers.image.title="kontur (training)" org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["kontur"]
CMD ["--help"]

FROM base AS runtime
COPY deploy/requirements.lock /requirements.lock
RUN pip install --no-cache-dir --require-hashes -r /requirements.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/kontur-*.whl
USER kontur
WORKDIR /workspace
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
LABEL org.opencontainers.image.title="kontur" org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Finds flat parts in pictures from their DXF drawings, on a CPU"
ENTRYPOINT ["kontur"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
