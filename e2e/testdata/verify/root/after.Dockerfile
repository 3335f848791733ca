FROM python:3.12-slim
COPY app.py /app/app.py
USER nobody
CMD ["python", "/app/app.py"]
