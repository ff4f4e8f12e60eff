// JSON Lines: one value a line, lines end with LF or CRLF. JSON text holds no raw line end, so no state is needed beyond the line.
import { Gather, type RecordSink, type Splitter } from './splitter.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;

export class LineSplitter implements Splitter {
  readonly #gather: Gather;
  line = 1;
  recordLine = 1;
  unterminated = false;

  constructor(sink: RecordSink) {
    this.#gather = new Gather({
      overlong: sink.overlong,
      record: (bytes, start, end) => {
        let last = end;
        while (last > start && isBlank(bytes[last - 1] as number)) last--;
        if (last > start) sink.record(bytes, start, last);
      },
    });
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#gather.finish(chunk, start, end);
      this.line++;
      this.recordLine = this.line;
      start = end + 1;
    }
    this.#gather.keep(chunk, start, chunk.length);
  }

  end(): void {
    if (!this.#gather.open) return;
    this.unterminated = true;
    this.#gather.finishCarried();
  }
}

const isBlank = (byte: number): boolean => byte === CR || byte === SPACE || byte === TAB;
