export { createGateway, type Gateway, type GatewayOptions, type Opened } from './app.ts'
