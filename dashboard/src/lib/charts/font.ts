/** A canvas does not inherit: the font of the pages, named. */
export const CHART_FONT = "'Inter Variable', ui-sans-serif, system-ui, sans-serif"
