/**
 * The price list that Turnout comes with: models | from when on | prices, and those of longer requests | tiers. Prices are dollars per million tokens of input,
 * cache reads, cache writes (behind a `+` those that are kept for an hour) and output; `-` is not stated. Source: @pydantic/genai-prices 0.1.8, and for tiers its maker,
 * scripts/make-prices.mjs.
 */
export const bundledPrices = `
ada text-ada-001 | - | 0.4 - - 0.4 |
babbage | - | 0.5 - - 0.5 |
chatgpt-4o-latest | - | 5 - - 15 |
codex-mini codex-mini-latest | - | 1.5 0.375 - 6 |
computer-use* | - | 3 - - 12 |
curie text-curie-001 | - | 2 - - 2 |
davinci text-davinci-001 | - | 20 - - 20 |
ft:gpt-3.5-turbo* | - | 3 - - 6 |
ft:gpt-4o-2024-* | - | 3.75 - - 15 |
ft:gpt-4o-mini-2024-* | - | 0.3 - - 1.2 |
gpt-3.5-turbo-0301 gpt-3.5-0301 | - | 1.5 - - 2 |
gpt-3.5-turbo gpt-35-turbo gpt-3.5-turbo-0125 | - | 0.5 - - 1.5 |
gpt-3.5-turbo-0613 | - | 1.5 - - 2 |
gpt-3.5-turbo-1106 | - | 1 - - 2 |
gpt-3.5-turbo-16k gpt-3.5-turbo-16k-0613 gpt-35-turbo-16k-0613 gpt-35-turbo-16k | - | 3 - - 4 |
gpt-3.5-turbo-instruct* gpt-3.5-turbo-instruct-0914 | - | 1.5 - - 2 |
gpt-4 gpt-4-0314 gpt-4-0613 ft:gpt-4-0* | - | 30 - - 60 |
gpt-4-32k gpt-4-32k-0314 gpt-4-32k-0613 | - | 60 - - 120 |
gpt-4-turbo gpt-4-turbo-2024-04-09 gpt-4-turbo-0125-preview gpt-4-0125-preview gpt-4-1106-preview gpt-4-turbo-preview | - | 10 - - 30 |
gpt-4-vision-preview gpt-4-1106-vision-preview | - | 10 - - 30 |
gpt-4.1 gpt-4.1-2025-04-14 | - | 2 0.5 - 8 | priority 7/4
gpt-4.1-mini gpt-4.1-mini-2025-04-14 | - | 0.4 0.1 - 1.6 | priority 7/4
gpt-4.1-nano gpt-4.1-nano-2025-04-14 | - | 0.1 0.025 - 0.4 | priority 2/1
gpt-4.5-preview* | - | 75 37.5 - 150 |
gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 | - | 2.5 1.25 - 10 | priority 17/10
gpt-4o-2024-05-13 | - | 5 - - 15 | priority 7/4
gpt-4o-mini gpt-4o-mini-2024-07-18 gpt-4o-mini-search-preview gpt-4o-mini-search-preview-2025-03-11 | - | 0.15 0.075 - 0.6 | priority 5/3
gpt-4o-mini-2024-07-18.ft-* | - | 0.3 - - 1.2 |
gpt-4o-search-preview gpt-4o-search-preview-2025-03-11 | - | 2.5 - - 10 |
gpt-4o:extended | - | 6 - - 18 |
gpt-5 gpt-5-2025-08-07 gpt-5-chat gpt-5-chat-latest gpt-5-codex | - | 1.25 0.125 - 10 | flex 1/2, priority 2/1
gpt-5-mini gpt-5-mini-2025-08-07 | - | 0.25 0.025 - 2 | flex 1/2, priority 9/5
gpt-5-nano gpt-5-nano-* | - | 0.05 0.005 - 0.4 | flex 1/2
gpt-5-pro gpt-5-pro-2025-10-06 | - | 15 - - 120 |
gpt-5.1 gpt-5.1-2025-11-13 gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-chat gpt-5.1-chat-latest gpt-5-1 gpt-5-1-2025-11-13 gpt-5-1-codex gpt-5-1-codex-max gpt-5-1-chat gpt-5-1-chat-latest | - | 1.25 0.125 - 10 | flex 1/2, priority 2/1
gpt-5.1-codex-mini gpt-5.1-mini gpt-5-1-codex-mini gpt-5-1-mini | - | 0.25 0.025 - 2 |
gpt-5.2 gpt-5.2-2025-12-11 gpt-5-2 gpt-5-2-2025-12-11 gpt-5.2-chat gpt-5.2-chat-latest gpt-5-2-chat gpt-5-2-chat-latest gpt-5.2-codex gpt-5-2-codex | - | 1.75 0.175 - 14 | flex 1/2, priority 2/1
gpt-5.2-pro gpt-5.2-pro-2025-12-11 gpt-5-2-pro-2025-12-11 | - | 21 - - 168 |
gpt-5.3 gpt-5-3 gpt-5.3-chat gpt-5.3-chat-latest gpt-5-3-chat gpt-5-3-chat-latest | - | 1.75 0.175 - 14 |
gpt-5.3-codex gpt-5-3-codex | - | 1.75 0.175 - 14 |
gpt-5.4 gpt-5.4-2026-03-05 gpt-5-4 gpt-5-4-2026-03-05 | - | 2.5 0.25 - 15, >271999 5 0.5 - 22.5 | flex 1/2, priority 2/1
gpt-5.4-mini gpt-5.4-mini-2026-03-17 gpt-5-4-mini gpt-5-4-mini-2026-03-17 | - | 0.75 0.075 - 4.5 | flex 1/2, priority 2/1
gpt-5.4-nano gpt-5.4-nano-2026-03-17 gpt-5-4-nano gpt-5-4-nano-2026-03-17 | - | 0.2 0.02 - 1.25 | flex 1/2
gpt-5.4-pro gpt-5.4-pro-2026-03-05 gpt-5-4-pro gpt-5-4-pro-2026-03-05 | - | 30 - - 180, >271999 60 - - 270 | flex 1/2
gpt-5.5 gpt-5.5-2026-04-23 gpt-5.5-2026-04-24 gpt-5-5 gpt-5-5-2026-04-23 gpt-5-5-2026-04-24 gpt-5.5-chat gpt-5.5-chat-latest gpt-5-5-chat gpt-5-5-chat-latest gpt-5.5-codex gpt-5-5-codex | - | 5 0.5 - 30, >271999 10 1 - 45 | flex 1/2, priority 5/2
gpt-5.5-pro gpt-5.5-pro-2026-04-23 gpt-5-5-pro gpt-5-5-pro-2026-04-23 | - | 30 - - 180, >271999 60 - - 270 | flex 1/2
gpt-5.6-luna gpt-5-6-luna gpt-5.6-luna-YYYY-MM-DD gpt-5-6-luna-YYYY-MM-DD | - | 1 0.1 1.25 6, >271999 2 0.2 2.5 9 | flex 1/2, priority 2/1
gpt-5.6-luna gpt-5-6-luna gpt-5.6-luna-YYYY-MM-DD gpt-5-6-luna-YYYY-MM-DD | 2026-07-30 | 0.2 0.02 0.25 1.2, >271999 0.4 0.04 0.5 1.8 | flex 1/2, priority 2/1
gpt-5.6-sol gpt-5-6-sol gpt-5.6 gpt-5-6 gpt-5.6-sol-YYYY-MM-DD gpt-5-6-sol-YYYY-MM-DD | - | 5 0.5 6.25 30, >271999 10 1 12.5 45 | flex 1/2, priority 2/1
gpt-5.6-sol gpt-5-6-sol gpt-5.6 gpt-5-6 gpt-5.6-sol-YYYY-MM-DD gpt-5-6-sol-YYYY-MM-DD | 2026-08-21 | 4 0.4 5 20, >271999 8 0.8 10 30 | flex 1/2, priority 2/1
gpt-5.6-terra gpt-5-6-terra gpt-5.6-terra-YYYY-MM-DD gpt-5-6-terra-YYYY-MM-DD | - | 2.5 0.25 3.125 15, >271999 5 0.5 6.25 22.5 | flex 1/2, priority 2/1
gpt-5.6-terra gpt-5-6-terra gpt-5.6-terra-YYYY-MM-DD gpt-5-6-terra-YYYY-MM-DD | 2026-07-30 | 2 0.2 2.5 12, >271999 4 0.4 5 18 | flex 1/2, priority 2/1
gpt-6-astra gpt-6-astra-YYYY-MM-DD | - | 10 1 12.5 50, >271999 20 2 25 75 | flex 1/2, priority 2/1, ultrafast 6/1
gpt-6-luna gpt-6-luna-YYYY-MM-DD | - | 0.1 0.01 0.125 0.5, >272000 0.2 0.02 0.25 0.75 | flex 1/2
gpt-6-sol gpt-6-sol-YYYY-MM-DD | - | 2 0.2 2.5 10, >272000 4 0.4 5 15 | flex 1/2
gpt-chat-latest | - | 5 0.5 - 30 |
o1 o1-2024-12-17 | - | 15 7.5 - 60 |
o1-mini o1-mini-2024-09-12 | - | 1.1 0.55 - 4.4 |
o1-preview o1-preview-2024-09-12 | - | 15 7.5 - 60 |
o1-pro o1-pro-2025-03-19 | - | 150 - - 600 |
o3 o3-2025-04-16 | - | 10 0.5 - 40 | flex 1/2, priority 7/4
o3 o3-2025-04-16 | 2025-06-10 | 2 0.5 - 8 | flex 1/2, priority 7/4
o3-deep-research o3-deep-research-2025-06-26 | - | 10 2.5 - 40 |
o3-mini o3-mini-2025-01-31 o3-mini-high | - | 1.1 0.55 - 4.4 |
o3-pro o3-pro-2025-06-10 | - | 20 - - 80 |
o4-mini-2025-04-16 o4-mini-high o4-mini | - | 1.1 0.275 - 4.4 | flex 1/2, priority 20/11
o4-mini-deep-research o4-mini-deep-research-2025-06-26 | - | 2 0.5 - 8 |
text-davinci-002 | - | 20 - - 20 |
text-davinci-003 | - | 20 - - 20 |
claude-2* | - | 8 - - 24 |
claude-3-5-haiku* claude-3.5-haiku* | - | 0.8 0.08 1+1.6 4 |
claude-3-5-sonnet* claude-3.5-sonnet* | - | 3 0.3 3.75+6 15 |
claude-3-7-sonnet* claude-3.7-sonnet* claude-sonnet-3.7* claude-sonnet-3-7* | - | 3 0.3 3.75+6 15 |
claude-3-haiku* | - | 0.25 0.03 0.3+0.5 1.25 |
claude-3-opus* | - | 15 1.5 18.75+30 75 |
claude-3-sonnet* | - | 3 0.3 3.75+6 15 |
claude-fable-5 claude-fable-5-YYYYMMDD | - | 10 1 12.5+20 50 |
claude-fable-5-1 claude-fable-5-1-YYYYMMDD | - | 10 0.25 12.5+20 50 |
claude-haiku-4-5* claude-haiku-4.5* claude-4-5-haiku* claude-4.5-haiku* | - | 1 0.1 1.25+2 5 |
claude-opus-4-0* claude-4-opus* claude-opus-4 claude-opus-4-20250514 | - | 15 1.5 18.75+30 75 |
claude-opus-4-1* claude-opus-4.1* | - | 15 1.5 18.75+30 75 |
claude-opus-4-5* claude-opus-4.5* claude-4-5-opus* claude-4.5-opus* | - | 5 0.5 6.25+10 25 |
claude-opus-4-6* claude-opus-4.6* claude-4-6-opus* claude-4.6-opus* | - | 5 0.5 6.25+10 25, >200000 10 1 12.5+20 37.5 | priority 6/1
claude-opus-4-6* claude-opus-4.6* claude-4-6-opus* claude-4.6-opus* | 2026-03-13 | 5 0.5 6.25+10 25 | priority 6/1
claude-opus-4-7* claude-opus-4.7* claude-4-7-opus* claude-4.7-opus* | - | 5 0.5 6.25+10 25 | priority 6/1
claude-opus-4-8* claude-opus-4.8* claude-4-8-opus* claude-4.8-opus* | - | 5 0.5 6.25+10 25 | priority 2/1
claude-opus-5 claude-opus-5-YYYYMMDD claude-opus-5.0* claude-5-opus* claude-5.0-opus* | - | 5 0.5 6.25+10 25 | priority 2/1
claude-opus-5-5 claude-opus-5-5-YYYYMMDD claude-opus-5.5* claude-5-5-opus* claude-5.5-opus* | - | 4 0.2 5+8 20 | priority 2/1
claude-sonnet-4-2025* claude-sonnet-4-0* claude-sonnet-4@* claude-sonnet-4 claude-4-sonnet* | - | 3 0.3 3.75+6 15 |
claude-sonnet-4-5* claude-sonnet-4.5* | - | 3 0.3 3.75+6 15, >200000 6 0.6 7.5+12 22.5 |
claude-sonnet-4-6* claude-sonnet-4.6* | - | 3 0.3 3.75+6 15, >200000 6 0.6 7.5+12 22.5 |
claude-sonnet-4-6* claude-sonnet-4.6* | 2026-03-13 | 3 0.3 3.75+6 15 |
claude-sonnet-5* claude-sonnet-5.0* claude-5-sonnet* claude-5.0-sonnet* | - | 2 0.2 2.5+4 10 |
claude-v1 | - | 8 - - 24 |
gpt-6.1-sol gpt-6.1-sol-YYYY-MM-DD | - | 2 0.1 2.5 10, >272000 4 0.2 5 15 | flex 1/2, priority 2/1
`
