/** Latencies in buckets of about 2 %, from a hundredth of a millisecond up: constant memory, any number of samples. */
const FACTOR = Math.log(1.02)
const SMALLEST_MS = 0.01

export class Histogram {
  #buckets: number[] = []
  count = 0
  max = 0

  add(ms: number): void {
    const index = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / FACTOR)
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1
    this.count++
    if (ms > this.max) this.max = ms
  }
  /** Upper edge of the bucket that holds this share of the samples, in ms; 0 without samples. */
  quantile(share: number): number {
    let left = Math.ceil(this.count * share)
    for (let index = 0; index < this.#buckets.length; index++) {
      left -= this.#buckets[index] ?? 0
      if (left <= 0 && this.count > 0) return Math.min(this.max, SMALLEST_MS * Math.exp(index * FACTOR))
    }
    return this.max
  }
  summary(): { count: number; p50: number; p95: number; p99: number; max: number } {
    const round = (ms: number): number => Math.round(ms * 100) / 100
    return {
      count: this.count,
      p50: round(this.quantile(0.5)),
      p95: round(this.quantile(0.95)),
      p99: round(this.quantile(0.99)),
      max: round(this.max),
    }
  }
}
