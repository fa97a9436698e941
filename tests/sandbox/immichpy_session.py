"""Talks to a server through immichpy, and prints what it saw; run by test_peers.py.

Its models check every answer: a field that is missing or of the wrong type ends this program.
"""

import asyncio
import json
import sys

from immichpy import AsyncClient
from immichpy.client.generated.models.metadata_search_dto import MetadataSearchDto
from immichpy.client.generated.models.queue_name import QueueName
from immichpy.client.generated.models.queue_update_dto import QueueUpdateDto
from immichpy.client.generated.models.stack_create_dto import StackCreateDto
from immichpy.client.generated.models.tag_bulk_assets_dto import TagBulkAssetsDto
from immichpy.client.generated.models.tag_upsert_dto import TagUpsertDto


async def talk(url: str, key: str, folder: str) -> dict[str, object]:
    async with AsyncClient(api_key=key, base_url=url) as client:
        first = await client.assets.upload(folder, album_name="peers")
        again = await client.assets.upload(folder, album_name="peers")
        forced = await client.assets.upload(folder, skip_duplicates=True)
        found = await client.search.search_assets(MetadataSearchDto())
        ids = [asset.id for asset in found.assets.items]
        tags = await client.tags.upsert_tags(TagUpsertDto(tags=["a/b"]))
        pairs = TagBulkAssetsDto(asset_ids=ids, tag_ids=[tags[0].id])
        tagged = await client.tags.bulk_tag_assets(pairs)
        stack = await client.stacks.create_stack(StackCreateDto(asset_ids=ids[:2]))
        paused = await client.queues.update_queue(QueueName.OCR, QueueUpdateDto(is_paused=True))
        queues = await client.queues.get_queues()
        albums = await client.albums.get_all_albums()
        config = await client.config_admin.get_admin_config()
        changed = await client.config_admin.update_admin_config(config)
        await client.server.get_about_info()
        await client.server.get_storage()
        await client.server.get_server_statistics()
        await client.server.get_server_features()
        me = await client.users.get_my_user()
        return {
            "uploaded": first.stats.uploaded,
            "failed": first.stats.failed + again.stats.failed + forced.stats.failed,
            "uploaded_again": again.stats.uploaded + forced.stats.uploaded,
            "rejected_again": again.stats.rejected,
            "rejected_forced": forced.stats.rejected,
            "found": len(ids),
            "tagged": tagged.count,
            "stacked": len(stack.assets),
            "paused": paused.is_paused,
            "queues": len(queues),
            "albums": [(album.album_name, album.asset_count) for album in albums],
            "same_config": changed == config,
            "is_admin": me.is_admin,
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(talk(*sys.argv[1:]))))
