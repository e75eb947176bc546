import type { Results } from '../results.js'

export const tablesOf = (results: Results): string => JSON.stringify(results)

export const writePage: (results: Results, docsDirectory: string) => Promise<void> = () =>
  Promise.reject(new Error('there is no page yet'))

export const compare: (
  results: Results,
  earlier: Results,
) => { text: string; isWorse: boolean } = () => ({ text: '', isWorse: false })
