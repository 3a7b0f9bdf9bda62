/** An EventSource that does what the test says. */
export class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  readyState = 0;
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }

  static get last(): FakeSource {
    const source = FakeSource.all.at(-1);
    if (!source) throw new Error("no stream was opened");
    return source;
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  change(...topics: string[]): void {
    this.dispatchEvent(new MessageEvent("change", { data: JSON.stringify({ topics }) }));
  }

  fail(): void {
    this.dispatchEvent(new Event("error"));
  }

  close(): void {
    this.closed = true;
    this.readyState = 2;
  }
}
