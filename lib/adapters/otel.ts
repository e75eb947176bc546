/**
 * Spans and metrics of all stores of this process, through `@opentelemetry/api`. It listens to the
 * tracing channels, and names things as the semantic conventions for database clients do.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  context,
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Exception,
  type Meter,
  type MeterProvider,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import {
  OPERATION_NAMES,
  StoreError,
  type OperationMessage,
  type Retries,
  type SweepReport,
  type Tally,
} from '../../index.js'

/** What is to be told, and to whom. */
export interface InstrumentOptions {
  /** Where spans go; default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Where metrics go; default: the global one. */
  readonly meterProvider?: MeterProvider | undefined
  /**
   * Whether an operation outside any span makes none, as the background sweep and a consumer that
   * asks for jobs do; default false. Metrics have all operations.
   */
  readonly requireParentSpan?: boolean | undefined
}

/** What {@link instrument} has begun. */
export interface Instrumentation extends Disposable {
  /** Ends it; a second time does nothing. */
  disable(): void
}

const SCOPE = 'linkstore'
const OPTIONS = ['tracerProvider', 'meterProvider', 'requireParentSpan']

/** As the semantic conventions advise for `db.client.operation.duration`, in seconds. */
const DURATION_BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const REASONS: Readonly<Record<keyof Retries, string>> = {
  provedAbsent: 'proved_absent',
  foundAfterAll: 'found_after_all',
  stale: 'stale',
  outrun: 'outrun',
}

/**
 * Makes spans and metrics of every operation of every store of this process, from now on. Until
 * it is called nothing of OpenTelemetry is loaded, and until then and after `disable` nothing of
 * this costs anything.
 *
 * @throws TypeError for an option that there is not
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw new TypeError(`unknown option "${unknown}"`)
  const { requireParentSpan = false } = options
  const tracer = (options.tracerProvider ?? trace).getTracer(SCOPE)
  const instruments = new Instruments((options.meterProvider ?? metrics).getMeter(SCOPE))
  const spans = new Spans(tracer, requireParentSpan)
  const onStart = (message: unknown): void => {
    instruments.begin(message as OperationMessage)
    spans.begin(message as OperationMessage)
  }
  const onEnd = (message: unknown): void => {
    if (!instruments.end(message as OperationMessage)) return
    spans.end(message as OperationMessage)
  }
  const onEndAtOnce = (message: unknown): void => {
    if ((message as OperationMessage).isSync) onEnd(message)
  }
  const listeners: [name: string, listener: (message: unknown) => void][] = [
    ['linkstore:notice', () => instruments.notice()],
    ...OPERATION_NAMES.flatMap((name): [string, (message: unknown) => void][] => [
      [`tracing:linkstore:${name}:start`, onStart],
      [`tracing:linkstore:${name}:end`, onEndAtOnce],
      [`tracing:linkstore:${name}:asyncEnd`, onEnd],
    ]),
  ]
  for (const [name, listener] of listeners) subscribe(name, listener)
  const disable = (): void => {
    for (const [name, listener] of listeners) unsubscribe(name, listener)
    instruments.giveUp()
    spans.giveUp()
  }
  return { disable, [Symbol.dispose]: disable }
}

/** The metrics. */
class Instruments {
  readonly #duration
  readonly #active
  readonly #io
  readonly #retries
  readonly #removed
  readonly #freed
  readonly #notices
  /** What has begun while this listened. */
  readonly #begun = new Set<OperationMessage>()

  constructor(meter: Meter) {
    this.#duration = meter.createHistogram('db.client.operation.duration', {
      description: 'Duration of database client operations.',
      unit: 's',
      advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
    })
    this.#active = meter.createUpDownCounter('linkstore.operations.active', {
      description: 'Operations that have begun and not ended.',
      unit: '{operation}',
    })
    this.#io = meter.createCounter('linkstore.io', {
      description: 'Bytes read from and written to files of stores.',
      unit: 'By',
    })
    this.#retries = meter.createCounter('linkstore.retries', {
      description: 'How often operations looked or tried again, by reason.',
      unit: '{retry}',
    })
    this.#removed = meter.createCounter('linkstore.sweep.names', {
      description: 'What sweeps have dealt with, by kind.',
      unit: '{name}',
    })
    this.#freed = meter.createCounter('linkstore.sweep.freed', {
      description: 'Bytes that sweeps have freed, by kind.',
      unit: 'By',
    })
    this.#notices = meter.createCounter('linkstore.notices', {
      description: 'What operations have survived, such as a clean-up that failed.',
      unit: '{notice}',
    })
  }

  begin(message: OperationMessage): void {
    this.#begun.add(message)
    this.#active.add(1, attributesOf(message))
  }

  /** Says whether it was there at its beginning. */
  end(message: OperationMessage): boolean {
    if (!this.#begun.delete(message)) return false
    const attributes = attributesOf(message)
    this.#active.add(-1, attributes)
    this.#duration.record((message.durationMs ?? 0) / 1000, {
      ...attributes,
      ...endOf(message),
    })
    const { bytesRead, bytesWritten, retries, swept } = message
    if (bytesRead > 0) this.#io.add(bytesRead, { ...attributes, 'disk.io.direction': 'read' })
    if (bytesWritten > 0) {
      this.#io.add(bytesWritten, { ...attributes, 'disk.io.direction': 'write' })
    }
    for (const [reason, name] of Object.entries(REASONS) as [keyof Retries, string][]) {
      if (retries[reason] === 0) continue
      this.#retries.add(retries[reason], { ...attributes, 'linkstore.retry.reason': name })
    }
    if (swept !== undefined) this.#sweep(swept, message)
    return true
  }

  notice(): void {
    this.#notices.add(1, { 'db.system.name': SCOPE })
  }

  /** What is still under way will not be heard of any more. */
  giveUp(): void {
    for (const message of this.#begun) this.#active.add(-1, attributesOf(message))
    this.#begun.clear()
  }

  #sweep(report: SweepReport, { root }: OperationMessage): void {
    for (const [kind, { count, bytes }] of Object.entries(report) as [string, Tally][]) {
      const attributes = {
        'db.system.name': SCOPE,
        'db.namespace': root,
        'linkstore.sweep.kind': kind,
      }
      if (count > 0) this.#removed.add(count, attributes)
      if (bytes > 0) this.#freed.add(bytes, attributes)
    }
  }
}

/** The spans. */
class Spans {
  readonly #tracer: Tracer
  readonly #requireParent: boolean
  readonly #begun = new Map<OperationMessage, Span>()

  constructor(tracer: Tracer, requireParent: boolean) {
    this.#tracer = tracer
    this.#requireParent = requireParent
  }

  begin(message: OperationMessage): void {
    const parent = context.active()
    if (this.#requireParent && trace.getSpan(parent) === undefined) return
    const { operation, root, keyHash } = message
    const attributes = { ...attributesOf(message), 'linkstore.key.hash': keyHash }
    const options = { kind: SpanKind.CLIENT, attributes }
    this.#begun.set(message, this.#tracer.startSpan(`${operation} ${root}`, options, parent))
  }

  end(message: OperationMessage): void {
    const span = this.#begun.get(message)
    if (span === undefined) return
    this.#begun.delete(message)
    const { bytesRead, bytesWritten, calls, hops, retries, error } = message
    span.setAttributes({
      ...endOf(message),
      'linkstore.bytes.read': bytesRead,
      'linkstore.bytes.written': bytesWritten,
      'linkstore.calls': calls,
      'linkstore.hops': hops,
      ...Object.fromEntries(
        Object.entries(REASONS).map(([reason, name]) => [
          `linkstore.retries.${name}`,
          retries[reason as keyof Retries],
        ]),
      ),
    })
    if (message.outcome === 'failed') {
      span.recordException(error as Exception)
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
    }
    span.end()
  }

  giveUp(): void {
    for (const span of this.#begun.values()) span.end()
    this.#begun.clear()
  }
}

function attributesOf({ operation, root }: OperationMessage): Attributes {
  return { 'db.system.name': SCOPE, 'db.namespace': root, 'db.operation.name': operation }
}

/** How it ended. */
function endOf({ outcome, error }: OperationMessage): Attributes {
  if (outcome !== 'failed') return { 'linkstore.outcome': outcome }
  const name = error instanceof Error ? error.name : typeof error
  const type = error instanceof StoreError ? error.code : name
  return { 'linkstore.outcome': outcome, 'error.type': type }
}
