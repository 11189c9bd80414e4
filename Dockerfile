# The image of a ledger: node and the compiled program, without a shell between them and the signals.
#
#   docker build -t dispatch-ledger .
#   docker run --rm --env DATABASE_URL dispatch-ledger doctor
#
# It needs DATABASE_URL: the bundled Postgres stays out. docker-compose.yml runs it with everything around it.
# Licences: the program is Apache-2.0; the base image is Debian with Node.js (MIT).

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=optional
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY domain ./domain
COPY projections ./projections
COPY src ./src
RUN npm run build

# The one optional package is the bundled Postgres, 60 of the 136 MB that npm would install: here
# DATABASE_URL is always set, and a database in a container without a volume would be lost with it.
FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --omit=optional

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production LEDGER_HOST=0.0.0.0 LEDGER_PORT=4400
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --chmod=0644 package.json LICENSE ./

# The account `node`, as numbers: Kubernetes cannot tell a name from root. All files are root's, and it writes none.
USER 1000:1000
EXPOSE 4400

# 503 until the store answers, the schema is current and every gate has shown that it can refuse.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.LEDGER_PORT + '/readyz', { signal: AbortSignal.timeout(4000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

# The program is process 1 and handles SIGTERM itself: give it 60 s to finish what is under way.
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve"]
