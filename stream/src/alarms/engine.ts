/**
 * Runs the rules over sites: delay before raising, hysteresis before clearing, one identity per (rule, originator, start).
 * Its memory is saved before anything is told, so that a crash neither loses an alarm nor raises it under a second id.
 */
import { createHash } from 'node:crypto'
import type { AlarmRecord, SiteId, TenantId } from '@heliograph/crm-core/contracts'
import type { Condition, Rule, SiteView } from './rule.ts'

interface Open {
  rule: string
  siteId: SiteId
  tenantId: TenantId
  condition: Condition
  /** Start on the rule's clock; part of the id. */
  since: number
  phase: 'pending' | 'raised'
  /** Since when it has not been seen. */
  goneSince?: number
}

export interface AlarmEngineOptions {
  rules: readonly Rule[]
  /** Muted or deleted sites are the CRM's business: the engine tells, the desk decides who is woken. */
}

export class AlarmEngine {
  readonly #rules: readonly Rule[]
  readonly #open = new Map<string, Open>()
  /** Told or to be told again after a crash: emptied by `settled`. */
  #untold: AlarmRecord[] = []

  /** @throws TypeError where rules yield to each other in a circle: none of them would ever speak */
  constructor(options: AlarmEngineOptions) {
    this.#rules = causesFirst(options.rules)
  }

  /** Judges one site; what changed is in `untold`. */
  judge(view: SiteView): void {
    /** Conditions that hold though nothing is told of them: they still explain others. */
    const explained: { rule: string; condition: Condition }[] = []
    for (const rule of this.#rules) {
      const { active, unknown = [] } = rule.judge(view)
      const prefix = `${rule.type}\n${view.site.id}\n`
      const seen = new Set<string>()
      const causes = rule.yieldsTo ? this.#causes(rule.yieldsTo, view, explained) : []
      for (const condition of active) {
        const key = prefix + condition.key
        seen.add(key)
        if (causes.length > 0 && isExplained(condition, causes, view)) {
          explained.push({ rule: rule.type, condition })
          // What is raised stays; what was not yet told begins anew when its cause is over.
          if (this.#open.get(key)?.phase === 'pending') this.#open.delete(key)
        } else this.#present(key, rule, view, condition)
      }
      for (const [key, open] of this.#open) {
        if (!key.startsWith(prefix) || seen.has(key)) continue
        const own = key.slice(prefix.length)
        if (unknown.some((name) => (name.endsWith('*') ? own.startsWith(name.slice(0, -1)) : own === name))) continue
        this.#absent(key, rule, view, open)
      }
    }
  }

  /** What holds of the rules named at the site, told or about to be, and is more than a remark. */
  #causes(
    types: readonly string[],
    view: SiteView,
    explained: readonly { rule: string; condition: Condition }[],
  ): Condition[] {
    const causes: Condition[] = []
    for (const { rule, condition } of explained) if (types.includes(rule)) causes.push(condition)
    for (const open of this.#open.values())
      if (open.siteId === view.site.id && types.includes(open.rule) && this.#explains(open)) causes.push(open.condition)
    return causes
  }

  #explains(open: Open): boolean {
    const severity = severityOf(open, this.#rules)
    return (
      severity === 'critical' ||
      severity === 'major' ||
      this.#rules.some(({ type, alwaysExplains }) => type === open.rule && alwaysExplains === true)
    )
  }

  #present(key: string, rule: Rule, view: SiteView, condition: Condition): void {
    let open = this.#open.get(key)
    if (!open) {
      const { site } = view
      open = {
        rule: rule.type,
        siteId: site.id,
        tenantId: site.tenantId,
        condition,
        since: condition.since,
        phase: 'pending',
      }
      this.#open.set(key, open)
    }
    delete open.goneSince
    open.condition = condition
    const { raiseAfterMs } = rule
    const delay = typeof raiseAfterMs === 'number' ? raiseAfterMs : raiseAfterMs(view)
    if (open.phase === 'pending' && view.now - open.since >= delay) {
      open.phase = 'raised'
      this.#untold.push(record(open, 'raised', rule, open.since))
    }
  }

  #absent(key: string, rule: Rule, view: SiteView, open: Open): void {
    if (open.phase === 'pending') {
      this.#open.delete(key)
      return
    }
    open.goneSince ??= view.now
    if (view.now - open.goneSince < rule.clearAfterMs) return
    this.#open.delete(key)
    this.#untold.push(record(open, 'cleared', rule, open.goneSince))
  }

  /** Alarms of late data: recorded with start and end, they wake nobody. One per device, code and day. */
  judgeLate(
    site: SiteView['site'],
    deviceId: AlarmRecord['deviceId'],
    faults: { code: string; text?: string }[],
    ts: number,
  ): void {
    for (const { code, text } of faults) {
      const day = Math.floor(ts / 86_400_000) * 86_400_000
      const id = alarmId('inverter-fault', `${deviceId}/${code}/late`, day)
      const base = {
        id,
        tenantId: site.tenantId,
        siteId: site.id,
        deviceId,
        type: 'inverter-fault',
        severity: 'minor',
        historic: true,
      } as const
      const message = `Late data: fault ${code}${text ? `: ${text}` : ''}`
      this.#untold.push({ ...base, action: 'raised', message, at: ts }, { ...base, action: 'cleared', message, at: ts })
    }
  }

  /** What must be put on the log, oldest first; stays until `settled`. */
  get untold(): readonly AlarmRecord[] {
    return this.#untold
  }
  settled(count: number): void {
    this.#untold = this.#untold.slice(count)
  }

  openOf(siteId: SiteId): { type: string; severity: AlarmRecord['severity']; deviceId?: string }[] {
    const found = []
    for (const open of this.#open.values())
      if (open.siteId === siteId && open.phase === 'raised')
        found.push({ type: open.rule, severity: severityOf(open, this.#rules), deviceId: open.condition.deviceId })
    return found
  }

  save(): Uint8Array {
    return Buffer.from(JSON.stringify({ open: [...this.#open], untold: this.#untold }))
  }
  restore(state: Uint8Array): void {
    const { open, untold } = JSON.parse(Buffer.from(state).toString()) as {
      open: [string, Open][]
      untold: AlarmRecord[]
    }
    this.#open.clear()
    for (const [key, value] of open) this.#open.set(key, value)
    this.#untold = untold
  }
}

/** By the whole site, by the device itself, or by what it hangs on. */
function isExplained(condition: Condition, causes: readonly Condition[], view: SiteView): boolean {
  if (causes.some(({ deviceId }) => deviceId === undefined)) return true
  const seen = new Set<string>()
  for (let id = condition.deviceId; id !== undefined && !seen.has(id);) {
    if (causes.some(({ deviceId }) => deviceId === id)) return true
    seen.add(id)
    id = view.devices.find(({ device }) => device.id === id)?.device.parentId
  }
  return false
}

/** Rules in an order in which each comes after those it yields to. */
function causesFirst(rules: readonly Rule[]): Rule[] {
  const ordered: Rule[] = []
  const visit = (rule: Rule, path: readonly string[]): void => {
    if (ordered.includes(rule)) return
    if (path.includes(rule.type))
      throw new TypeError(`alarm rules yield to each other: ${[...path, rule.type].join(', ')}`)
    for (const cause of rules) if (rule.yieldsTo?.includes(cause.type)) visit(cause, [...path, rule.type])
    ordered.push(rule)
  }
  for (const rule of rules) visit(rule, [])
  return ordered
}

const severityOf = (open: Open, rules: readonly Rule[]): AlarmRecord['severity'] =>
  open.condition.severity ?? rules.find((rule) => rule.type === open.rule)?.severity ?? 'major'

function record(open: Open, action: 'raised' | 'cleared', rule: Rule, at: number): AlarmRecord {
  const { condition } = open
  return {
    id: alarmId(open.rule, `${open.siteId}/${condition.key}`, open.since),
    action,
    tenantId: open.tenantId,
    siteId: open.siteId,
    ...(condition.deviceId && { deviceId: condition.deviceId }),
    type: open.rule,
    severity: condition.severity ?? rule.severity,
    message: condition.message,
    ...(condition.details && { details: condition.details }),
    at,
    historic: false,
  }
}

/** Derived from what it is about, so that judging twice gives one alarm. */
export function alarmId(rule: string, originator: string, start: number): string {
  return `al_${createHash('sha256').update(`${rule}\n${originator}\n${start}`).digest('hex').slice(0, 32)}`
}
