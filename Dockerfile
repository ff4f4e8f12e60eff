# Three stages: what runs is Node, the compiled house and its run-time dependencies – no compiler, no test, no source.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY scripts ./scripts
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No run-time dependency needs an install script: the database's native part lies ready in its package.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:24-slim
WORKDIR /app
# The heap is kept small enough for a container of 640 MB with 300,000 workers; more workers need a larger old space.
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-semi-space-size=16 --max-old-space-size=400" \
    ROLLCALL_STATE=/data \
    ROLLCALL_MAPPINGS=/mappings
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY mappings ./mappings

# Nothing outside /data is ever written, so the root file system may be read-only. Connection files are mounted at
# /mappings; the ones inside the image belong to the demo and the examples.
RUN mkdir /data /mappings && chown node:node /data
USER node
VOLUME /data

# The server listens on loopback unless told otherwise, so the check runs inside the container.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ROLLCALL_HTTP_PORT ?? 8080}/healthz`).then((answer) => { process.exitCode = answer.ok ? 0 : 1; }, () => { process.exitCode = 1; })"]

# Exec form: the signal reaches the daemon itself and no shell in between.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/rollcall.js"]
CMD ["run"]
