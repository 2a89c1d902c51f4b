# avaflow in a container. In the folder of the project:
#   docker build -t avaflow .                                  for processors, about 2.5 GB
#   docker build -t avaflow --build-arg TORCH=cuda .           for GPUs too, about 7 GB
#   docker build --target check .                              builds it and makes the demo with it
# and in yours, with clips.tsv and mine.yaml:
#   docker run --rm -v "$PWD":/work --user "$(id -u):$(id -g)" avaflow --cores all --configfile mine.yaml
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ARG TORCH=cpu
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 \
    VIRTUAL_ENV=/opt/avaflow/.venv UV_PROJECT_ENVIRONMENT=/opt/avaflow/.venv
RUN pip install --no-cache-dir "uv>=0.8,<1"
WORKDIR /opt/avaflow
COPY pyproject.toml ./
# torch's usual build brings CUDA; its processor build is of another index.
RUN case "$TORCH" in \
      cuda) uv sync --no-dev --no-cache ;; \
      cpu) uv venv && uv pip install --no-cache --torch-backend=cpu -r pyproject.toml ;; \
      *) echo "TORCH is $TORCH, expected cpu or cuda" >&2; exit 1 ;; \
    esac
COPY Snakefile config.yaml LICENSE ./
COPY rules rules
COPY scripts scripts
COPY schemas schemas
COPY envs envs
COPY profiles profiles
COPY examples examples
# Nobody who runs it may write here, so what is compiled has to be there.
RUN python -m compileall -q scripts

FROM python:${PYTHON}-slim-bookworm AS avaflow
LABEL org.opencontainers.image.title="avaflow" \
      org.opencontainers.image.licenses="AGPL-3.0-or-later"
RUN useradd --create-home --uid 1000 avaflow && chmod 1777 /home/avaflow \
    && install -d -o avaflow -m 1777 /work
COPY --from=build /opt/avaflow /opt/avaflow
# --user gives any id, whose home this is too: Snakemake and ultralytics keep small files there.
ENV PATH=/opt/avaflow/.venv/bin:$PATH HOME=/home/avaflow YOLO_CONFIG_DIR=/home/avaflow \
    MPLCONFIGDIR=/home/avaflow/.matplotlib PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,video,utility
USER 1000
WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/opt/avaflow/Snakefile"]
CMD ["--cores", "all"]

# The demo, as a user would run it, without a network.
FROM avaflow AS check
RUN --network=none cp -r /opt/avaflow/examples . \
    && snakemake --snakefile /opt/avaflow/Snakefile --cores all \
        --configfile examples/demo/config.yaml \
    && test -s examples/demo/results/dataset/annotations/train.csv

# What `docker build` makes unless it is told otherwise.
FROM avaflow
