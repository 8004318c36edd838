"""check-topics.py BOOTSTRAP  validates every message on the topics of the suite against ops/asyncapi.yaml.

Prints the number of messages of each topic. Fails if a message is invalid or there are no messages.
"""

import sys

from asyncapi_document import Document
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

TIMEOUT = 30


def text_headers(message):
    return {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or []}


def unread_partitions(consumer, topic):
    """Yields the number and the end offset of each partition that has messages."""
    for partition in consumer.list_topics(topic, TIMEOUT).topics[topic].partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT)
        if high > low:
            yield partition, high


def messages(consumer, topic):
    ends = dict(unread_partitions(consumer, topic))
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
    while ends:
        message = consumer.poll(TIMEOUT)
        if message is None:
            raise KafkaException(f"no message of {topic} within {TIMEOUT} seconds, but some are left")
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
    counts, failures = {}, 0
    try:
        for topic in sorted(consumer.list_topics(timeout=TIMEOUT).topics):
            if document.channel(topic) is None:
                continue
            for message in messages(consumer, topic):
                counts[topic] = counts.get(topic, 0) + 1
                for problem in document.problems(topic, text_headers(message), message.value() or b""):
                    failures += 1
                    print(f"{topic}, partition {message.partition()}, offset {message.offset()}: {problem}", file=sys.stderr)
    finally:
        consumer.close()
    for topic, count in counts.items():
        print(f"{topic}: {count}")
    if not counts:
        print(f"the topics of {sys.argv[1]} have no messages", file=sys.stderr)
    return 0 if counts and not failures else 1


sys.exit(main())
