/**
 * How every part of the line is, as the API process can tell: each is asked by itself and has a moment to answer, so that one that
 * is down is named and takes nothing from the others.
 */
import type { PartStatus } from '@heliograph/api'
import { type CrmDatabase, type FileStore, type LiveBus, type Log, TOPICS } from '@heliograph/crm-core/contracts'
import type { Warehouse } from '@heliograph/crm-core/contracts'
import type { OutboxRelay } from '@heliograph/crm-core'
import type { HistoryProgress } from '../demo/history.ts'
import type { Link } from '../process/link.ts'
import type { DecodeShare } from './decode-share.ts'
import { mergeParts } from './merge-parts.ts'
import { type Answer, createProbe } from './probe.ts'

/** A worker whose log is away answers after half a second, and later where every core is taken. */
const ASK_MS = 1_400
/** Events that may wait before somebody should know. */
const MAX_EVENTS = 10_000
/**
 * Without the CRM no session, API key or signature can be judged: this process neither accepts nor answers. It says so only when that
 * lasts, so that a database that is started anew does not take every process out of a balancer at once.
 */
const UNUSABLE_AFTER_MS = 5_000

export interface ApiPartsDeps {
  link: Link
  /** The link to other processes goes by the live bus. */
  isShared: boolean
  warehouse: Pick<Warehouse, 'health'>
  db: Pick<CrmDatabase, 'health'>
  log: Pick<Log, 'bounds'>
  files: Pick<FileStore, 'health'>
  live: Pick<LiveBus, 'health'>
  relay: Pick<OutboxRelay, 'lag'>
  /** Of each channel that has a sender: what waits, and why. */
  channels: readonly { name: string; waiting(): Promise<number>; trouble(): string | undefined }[]
  demoProgress(): HistoryProgress | undefined
  /** Monotonic milliseconds. */
  clock?: () => number
}

type Role = 'worker' | 'edge'
type Said = { parts: PartStatus[] }

/** @returns asks for all parts; never throws */
export function createApiParts(deps: ApiPartsDeps): () => Promise<PartStatus[]> {
  const { link, live } = deps
  const clock = deps.clock ?? (() => performance.now())
  /** What each process said of its parts last, and the lag that was last known of a part: while they are down, what is known. */
  const lastSaid = new Map<Role, PartStatus[]>()
  const lastLag = new Map<string, number>()
  let crmDownSince: number | undefined

  const states = createProbe(() =>
    link.request<{ name: string; state: 'ok' | 'down' }[]>('supervisor', 'states').catch(() => []),
  )
  // Of several workers one is at work and speaks for all.
  const worker = createProbe(async () => [await link.request<Said>('worker', 'status', undefined, ASK_MS)])
  const edge = createProbe(() => link.requestAll<Said>('edge', 'status', undefined, ASK_MS))
  const shares = createProbe(() => link.requestAll<DecodeShare>('worker', 'decode.share', undefined, ASK_MS))
  const healthOf = (ask: () => Promise<{ ok: boolean; detail?: string }>) =>
    createProbe(async () => {
      const { ok, detail } = await ask()
      if (!ok) throw new Error(detail ?? 'does not answer')
    })
  const warehouse = healthOf(() => deps.warehouse.health())
  const crm = healthOf(() => deps.db.health())
  const files = deps.files.health && healthOf(() => deps.files.health!())
  const log = createProbe(() => deps.log.bounds(TOPICS.events))
  const events = createProbe(() => deps.relay.lag())
  const channels = deps.channels.map((channel) => ({ ...channel, ask: createProbe(() => channel.waiting()) }))

  async function of(role: Role): Promise<PartStatus[]> {
    const bus = live.health?.()
    const isUnheard = deps.isShared && bus?.ok === false
    if (!isUnheard) {
      const answer = await (role === 'edge' ? edge() : worker())
      if (answer.trouble === undefined) {
        const said = mergeParts(answer.value)
        lastSaid.set(role, said)
        return said
      }
      // The bus may have gone while it was asked.
      if (!(deps.isShared && live.health?.()?.ok === false)) return known(role, 'down', answer.trouble)
    }
    return known(role, 'degraded', 'not heard of: the live bus is away; it may be well')
  }
  const known = (role: Role, state: PartStatus['state'], detail: string): PartStatus[] =>
    (lastSaid.get(role) ?? [{ name: role, lag: null }]).map(({ name, lag }) => ({ name, state, lag, detail }))

  /** A part that is well or does not answer. */
  const plain = (name: string, { trouble }: Answer<unknown>): PartStatus => ({
    name,
    state: trouble === undefined ? 'ok' : 'down',
    lag: trouble === undefined ? 0 : null,
    ...(trouble !== undefined && { detail: trouble }),
  })
  /** A part whose lag is asked from the CRM. */
  function counted(name: string, answer: Answer<number>, judge: (lag: number) => Partial<PartStatus>): PartStatus {
    if (answer.trouble !== undefined)
      return { name, state: 'down', lag: lastLag.get(name) ?? null, detail: 'the CRM’s database does not answer' }
    lastLag.set(name, answer.value)
    return { name, state: 'ok', lag: answer.value, ...judge(answer.value) }
  }
  function crmPart(answer: Answer<unknown>): PartStatus {
    if (answer.trouble === undefined) crmDownSince = undefined
    else crmDownSince ??= clock()
    const lasts = crmDownSince !== undefined && clock() - crmDownSince >= UNUSABLE_AFTER_MS
    return { ...plain('crm', answer), ...(lasts && { vital: true }) }
  }
  async function decoders(): Promise<string | undefined> {
    if (!deps.isShared || live.health?.()?.ok === false) return undefined
    const answer = await shares()
    return answer.trouble === undefined ? describeShares(answer.value) : undefined
  }

  return async () => {
    const [processes, atEdge, atWorker, decoding, store, database, logged, kept, outbox, ...waiting] =
      await Promise.all([
        states(),
        of('edge'),
        of('worker'),
        decoders(),
        warehouse(),
        crm(),
        log(),
        files?.(),
        events(),
        ...channels.map(({ ask }) => ask()),
      ])
    const isStopped =
      processes.trouble === undefined &&
      processes.value.find(({ name }) => name === 'warehouse')?.state === 'down' &&
      store.trouble === undefined
    return [
      ...atEdge,
      ...atWorker.map((part) =>
        part.name === 'decode' && decoding !== undefined
          ? { ...part, detail: [part.detail, decoding].filter((each) => each !== undefined).join('; ') }
          : part,
      ),
      plain('warehouse', isStopped ? { trouble: 'its process is not running' } : store),
      crmPart(database),
      plain('log', logged),
      ...(kept ? [plain('files', kept)] : []),
      counted('events', outbox, (lag) => (lag > MAX_EVENTS ? { state: 'degraded' } : {})),
      ...channels.map(({ name, trouble }, index) =>
        counted(name, waiting[index]!, () => {
          const detail = trouble()
          return detail === undefined ? {} : { state: 'degraded', detail }
        }),
      ),
      ...livePart(live.health?.()),
      ...demoPart(deps.demoProgress()),
    ]
  }
}

function describeShares(shares: readonly DecodeShare[]): string | undefined {
  const told = shares.filter(({ partitions }) => partitions !== null)
  if (told.length === 0) return undefined
  const partitions = told.map((share) => share.partitions!).sort((a, b) => b - a)
  const rebalances = told.reduce((sum, share) => sum + share.rebalances, 0)
  const who = told.length === 1 ? 'one decoder' : `${told.length} decoders`
  return `${who} with ${partitions.join(' and ')} partitions, shared out anew ${rebalances} times`
}

/** Of an engine that other processes share. */
const livePart = (health: ReturnType<NonNullable<LiveBus['health']>> | undefined): PartStatus[] =>
  health === undefined
    ? []
    : [
        {
          name: 'live bus',
          state: health.ok ? 'ok' : 'degraded',
          lag: 0,
          ...(health.detail && { detail: health.detail }),
        },
      ]

/** Shown while it lasts; its lag is what is still to come. */
const demoPart = (progress: HistoryProgress | undefined): PartStatus[] =>
  progress === undefined || progress.left <= 0
    ? []
    : [
        {
          name: 'demo history',
          state: 'ok',
          lag: Math.round(progress.left),
          progress: progress.done / (progress.done + progress.left),
          detail: `${Math.floor((100 * progress.done) / (progress.done + progress.left))} % of the demo’s past is brought in; its plants are modelled, under recorded clouds`,
        },
      ]
