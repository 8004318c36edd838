"""check-topics.py BOOTSTRAP  reads every message on the suite's topics and holds it against ops/asyncapi.yaml.

Prints how many messages of each topic it has read. Fails where one does not fit, or where nothing was there to read.
"""

import sys

from asyncapi_document import Document
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

SECONDS = 30


def text_headers(message):
    return {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or []}


def unread_partitions(consumer, topic):
    """Where reading starts and ends: partition number to the offset that the next message will get."""
    for partition in consumer.list_topics(topic, SECONDS).topics[topic].partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), SECONDS)
        if high > low:
            yield partition, high


def messages(consumer, topic):
    ends = dict(unread_partitions(consumer, topic))
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
    while ends:
        message = consumer.poll(SECONDS)
        if message is None:
            raise KafkaException(f"no message of {topic} within {SECONDS} seconds, though there are some left")
        if message.error():
            raise KafkaException(message.error())
        if message.offset() + 1 >= ends.get(message.partition(), 0):
            ends.pop(message.partition(), None)
        yield message


def main():
    document = Document()
    consumer = Consumer(
        {
            "bootstrap.servers": sys.argv[1],
            "group.id": "check-topics",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 16 << 20,
            "log_level": 0,
        }
    )
    counts, faults = {}, 0
    try:
        for topic in sorted(consumer.list_topics(timeout=SECONDS).topics):
            if document.channel(topic) is None:
                continue
            for message in messages(consumer, topic):
                counts[topic] = counts.get(topic, 0) + 1
                for problem in document.problems(topic, text_headers(message), message.value() or b""):
                    faults += 1
                    print(f"{topic}, partition {message.partition()}, offset {message.offset()}: {problem}", file=sys.stderr)
    finally:
        consumer.close()
    for topic, count in counts.items():
        print(f"{topic}: {count}")
    if not counts:
        print(f"there is no message on any topic of {sys.argv[1]}", file=sys.stderr)
    return 0 if counts and not faults else 1


sys.exit(main())
