// For the option `cacheHandlers` of next.config.js: what functions with 'use cache' return.
import { createUseCacheHandler } from 'linkstore/next'

export default createUseCacheHandler({ store: process.env.CACHE_DIR ?? './cache' })
