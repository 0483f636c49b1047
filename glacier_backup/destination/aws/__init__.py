"""What vaults and buckets share: sessions, requests that are repeated, what refusals mean."""
