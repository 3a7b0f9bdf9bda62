export function ago(seconds: number): string {
  return new Date(Date.now() - seconds * 1000).toISOString();
}

let counter = 0;
export function uuid(): string {
  counter += 1;
  return `0199aa00-0000-7000-8000-${counter.toString(16).padStart(12, "0")}`;
}
