import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { plainAnswer, ready } from './common.mjs'

const app = new Hono()
app.post('/mcp', async (c) => c.json(plainAnswer(await c.req.json())))
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => ready(port))
