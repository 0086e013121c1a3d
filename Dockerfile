# Lookbook in a container: without root, on a root that may be read-only (docs/containers.md).
#   docker build -t lookbook .                        CPU: embedded backends, the preview, the review page
#   docker build -t lookbook:cuda --target cuda .     the model engines on an NVIDIA card
# Up to Python 3.12 the networks that find people come in a wheel, so that a run fetches nothing.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
# OpenCV's wheel takes these two from the system; a release of Debian has one version of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin lookbook \
    && install -d -o lookbook /work/inputs /work/outputs /work/weights /work/cache

FROM base AS build
RUN python -m venv /opt/lookbook
ENV PATH=/opt/lookbook/bin:$PATH
WORKDIR /source
COPY pyproject.toml README.md LICENSE MANIFEST.in ./
COPY pipeline pipeline
COPY preprocess preprocess
COPY tryon tryon
COPY compose compose

FROM build AS build-cpu
ARG EXTRAS=onnx,web
# For the model engines: EXTRAS=diffusion,onnx,web and TORCH_INDEX=https://download.pytorch.org/whl/cpu, which saves several GB.
ARG TORCH_INDEX=
# The versions are those of pyproject.toml.
# hadolint ignore=DL3013
RUN if [ -n "$TORCH_INDEX" ]; then pip install --index-url "$TORCH_INDEX" "torch>=2.6,<3"; fi \
    && pip install ".[$EXTRAS]"

FROM build AS build-cuda
ARG EXTRAS=diffusion,onnx,web
# torch's own wheels bring CUDA; the machine gives the driver. The versions are those of pyproject.toml.
# hadolint ignore=DL3013
RUN pip install ".[$EXTRAS]"

FROM base AS runtime
# A user without an entry in /etc/passwd (docker run --user) has a name and a writable home too.
ENV PATH=/opt/lookbook/bin:$PATH \
    HOME=/tmp \
    USER=lookbook \
    NUMBA_CACHE_DIR=/work/cache
WORKDIR /work
VOLUME ["/work/inputs", "/work/outputs", "/work/weights"]
EXPOSE 8321
ENTRYPOINT ["lookbook"]
CMD ["--help"]

FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /opt/lookbook /opt/lookbook
USER 10001

FROM runtime AS cpu
COPY --from=build-cpu /opt/lookbook /opt/lookbook
USER 10001
