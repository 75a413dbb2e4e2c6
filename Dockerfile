# syntax=docker/dockerfile:1

# One image for every role and every one-shot command. Pin the base by digest where your platform demands it:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:... .
# The version is the one that package-lock.json installs for the tests (a test compares).
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# 1. Compiles. Its packages, compilers included, stay behind.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node_modules/.bin/tsc -p tsconfig.build.json
# For `onfile_build_info`; last, so that another commit compiles nothing anew.
ARG REVISION=unknown
RUN printf '%s\n' "${REVISION}" > dist/revision

# 2. What runs needs, nothing else. No package's install script runs: the binaries are inside the packages.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# 3. The base of what runs: no package manager. The uid is a number, so that runAsNonRoot can be checked without looking
# into the image; /var/lib/onfile is where `state.dir` (./state) and onfile.yaml are looked for.
FROM ${NODE_IMAGE} AS runtime
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg \
  && install -d -o 10001 -g 10001 /var/lib/onfile
COPY --from=packages /app/node_modules /app/node_modules
COPY package.json LICENSE /app/
COPY schemas /app/schemas
# Memory that large buffers have used goes back to the system: with glibc's own settings the resident memory of a process
# whose partitions come and go grew for an hour, with these it came to rest (docs/deployment.md 8).
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
USER 10001:10001
WORKDIR /var/lib/onfile

# 4. Sandbox: Knot, vault and event generator of docker-compose.yml. Not for production, and not the default target.
FROM runtime AS sandbox
COPY src /app/src
COPY sandbox /app/sandbox
ENTRYPOINT ["/usr/local/bin/node", "/app/sandbox/compose/main.ts"]

# 5. The product.
FROM runtime AS onfile
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="onfile" \
      org.opencontainers.image.description="Keeps cards on file current at merchants, from the events on an issuer's Kafka bus" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app/dist /app/dist
VOLUME ["/var/lib/onfile"]
EXPOSE 9400

# prlimit replaces itself by node, which therefore is process 1 and gets SIGTERM. What the memory of a process that holds
# cards could be read through is off: core dumps (limit 0, also for root), the inspector (--disable-sigusr1, no --inspect),
# reports and heap snapshots (off unless asked for). The heap takes what the state's memory outside of it leaves; its young
# generation would grow by 100 MB under load and keep it: bounded it costs no more CPU (`node bench/cycle.ts` with and without).
ENTRYPOINT ["/usr/bin/prlimit", "--core=0", "/usr/local/bin/node", "--disable-sigusr1", "--max-old-space-size-percentage=60", "--max-semi-space-size=16", "/app/dist/cli/main.js"]
CMD ["run"]

# Alive, not ready: an orchestrator that restarts on "unhealthy" must not do so because Kafka is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["/usr/local/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.ONFILE_ADMIN_PORT || 9400}/livez`).then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
