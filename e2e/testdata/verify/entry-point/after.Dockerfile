FROM gcr.io/distroless/nodejs20-debian12
WORKDIR /app
COPY server.js .
EXPOSE 3000
CMD ["node", "server.js"]
