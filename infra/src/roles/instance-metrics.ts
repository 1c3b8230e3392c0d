/** One `/metrics` for the whole instance: this process's figures and those of its siblings. */
import { AggregatorRegistry, type Registry } from 'prom-client'
import type { RoleContext } from './context.ts'

type Figures = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export function createInstanceMetrics({ metrics, link }: RoleContext, siblings: string[]): Registry {
  const own = metrics.metrics.bind(metrics)
  metrics.metrics = async () => {
    const answers = await Promise.allSettled(siblings.map((name) => link.requestAll<Figures>(name, 'metrics')))
    const figures = answers.filter((answer) => answer.status === 'fulfilled').flatMap(({ value }) => value)
    if (figures.length === 0) return own()
    return AggregatorRegistry.aggregate([await metrics.getMetricsAsJSON(), ...figures] as never).metrics()
  }
  return metrics
}
