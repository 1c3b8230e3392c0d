/** Traces by OpenTelemetry, sent as OTLP over HTTP in batches. Loaded only where an address for them is set. */
import { type Span, SpanKind, SpanStatusCode, trace, TraceFlags, type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { TraceStep, Tracing } from '@heliograph/crm-core/contracts'

export interface OpenTelemetryOptions {
  /** Where traces are posted: `http://host:4318/v1/traces`. */
  url: string
  /** One message in so many begins a trace. */
  oneIn: number
  /** Which process of ours speaks. */
  process: string
  version: string
}
/** What waits to be sent; more is dropped. A collector that is down costs no more than this. */
const QUEUE = 2_048
const SEND_EVERY_MS = 1_000
const SEND_TIMEOUT_MS = 5_000

export interface StartedTracing extends Tracing {
  /** Sends what waits, for a while. */
  stop(): Promise<void>
}

export function createOpenTelemetry({ url, oneIn, process, version }: OpenTelemetryOptions): StartedTracing {
  const provider = new BasicTracerProvider({
    // What is traced is decided before a span is made.
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({
      'service.name': 'heliograph',
      'service.version': version,
      'service.instance.id': process,
    }),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url, timeoutMillis: SEND_TIMEOUT_MS }), {
        maxQueueSize: QUEUE,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('heliograph')
  let calls = 0
  const step = (name: string, parent: Context, facts?: Readonly<Record<string, string | number>>): TraceStep =>
    stepOf(tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes: { ...facts } }, parent))
  return {
    begin(name, facts) {
      if (calls++ % oneIn !== 0) return undefined
      return step(name, ROOT_CONTEXT, facts)
    },
    follow: (traceparent, name, facts) => step(name, parentOf(traceparent), facts),
    async stop() {
      await provider.shutdown().catch(() => undefined)
    },
  }
}

function stepOf(span: Span): TraceStep {
  const { traceId, spanId } = span.spanContext()
  return {
    traceparent: `00-${traceId}-${spanId}-01`,
    end(error) {
      if (error !== undefined)
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'failed' })
      span.end()
    },
  }
}

/** A record may come from anywhere: what is no traceparent begins a trace of its own. */
function parentOf(traceparent: string): Context {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent)
  if (!found) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: found[1]!,
    spanId: found[2]!,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  })
}
